using Microsoft.Extensions.Configuration;
using Orleans.Configuration;

namespace Granary.Silo.Settings;

/// <summary>How silos watch each other.</summary>
internal static class Membership
{
    /// <summary>The silo's defaults, and then what the section <c>Orleans:Membership</c> says.</summary>
    /// <param name="options">The options.</param>
    /// <param name="configuration">All of it.</param>
    /// <param name="strictly">Whether a name that there is not is refused.</param>
    /// <exception cref="InvalidOperationException">A value or a name cannot be read.</exception>
    public static void SetUp(
        this ClusterMembershipOptions options, IConfiguration configuration, bool strictly = false)
    {
        // A silo that joins asks all that the table calls active. Where all were killed and come back at other
        // addresses nobody answers, and Orleans doubts those in the table only when a start finds them silent for
        // three of these periods: so silence is noticed soon, and a start that waits in vain ends and is made again.
        options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        options.MaxJoinAttemptTime = TimeSpan.FromSeconds(30);
        configuration.GetSection("Orleans:Membership").Bind(
            options, binder => binder.ErrorOnUnknownConfiguration = strictly);
    }
}
