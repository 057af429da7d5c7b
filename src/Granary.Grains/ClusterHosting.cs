using Granary.Engines;
using Granary.Grains;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Granary.Hosting;

/// <summary>Puts the cluster engine into a host that has an Orleans client or silo.</summary>
public static class ClusterHosting
{
    /// <summary>
    /// Jobs on a cluster. In a process with a silo (<c>UseOrleans</c>) it runs them there, on the store that is chosen
    /// beside it; in an Orleans client (<c>UseOrleansClient</c>) it only calls them.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options; they are the same on every silo and client.</param>
    public static GranaryBuilder UseCluster(
        this GranaryBuilder builder, Func<ClusterOptions, ClusterOptions>? configure = null)
    {
        ClusterOptions options = configure is null ? new ClusterOptions() : configure(new ClusterOptions());
        options.Check();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<SiloEngine>();
        // Resolved by silos only.
        builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(
            services => services.GetRequiredService<SiloEngine>());
        builder.Services.TryAddSingleton<IJobEngine>(
            services => new ClusterEngine(services.GetRequiredService<IGrainFactory>(), options, Stopping(services)));
        return builder;
    }

    private static CancellationToken Stopping(IServiceProvider services) =>
        services.GetService<ILocalSiloDetails>() is null
            ? CancellationToken.None
            : services.GetRequiredService<SiloEngine>().Stopping;

    /// <summary>Keeps jobs in the memory of the one silo there is: nothing survives it. For trying things
    /// out.</summary>
    public static GranaryBuilder UseMemoryStore(this GranaryBuilder builder)
    {
        builder.Store = (_, _) => Task.FromResult<IJobStore>(new MemoryJobStore());
        return builder;
    }
}
