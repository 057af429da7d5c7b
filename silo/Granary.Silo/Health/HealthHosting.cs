using Microsoft.Extensions.DependencyInjection;

namespace Granary.Silo.Health;

internal static class HealthHosting
{
    /// <summary>
    /// The health server and the silo's own readiness. Checks that a host adds take part under the tag <c>live</c> or
    /// <c>ready</c>.
    /// </summary>
    public static void AddSiloHealth(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<SiloReadiness>("silo", tags: [HealthServer.Ready]);
        services.AddSingleton<HealthServer>();
        services.AddHostedService(provider => provider.GetRequiredService<HealthServer>());
    }
}
