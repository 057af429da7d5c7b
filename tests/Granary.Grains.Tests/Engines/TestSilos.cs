using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace Granary.Grains.Tests.Engines;

/// <summary>Clusters of silos in this process.</summary>
internal static class TestSilos
{
    /// <summary>A cluster that is not started yet.</summary>
    /// <param name="silos">How many.</param>
    /// <param name="configure">Called for each silo, with its name.</param>
    /// <param name="withClient">Whether there is a client outside of the silos.</param>
    public static InProcessTestCluster Build(
        short silos, Action<ISiloBuilder, string> configure, bool withClient = true)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.Options.InitializeClientOnDeploy = withClient;
        builder.ConfigureSilo((options, silo) =>
        {
            // By default each silo makes room for a million grains.
            silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = 1_000);
            configure(silo, options.SiloName);
        });
        return builder.Build();
    }

    /// <summary>One whose silos share a store, which outlives them.</summary>
    public static async Task<InProcessTestCluster> StartAsync(
        short silos, IJobStore store, Action<GranaryBuilder, string> configure)
    {
        InProcessTestCluster cluster = Build(silos, (silo, name) => silo.Services.AddGranary(granary =>
        {
            granary.Store = (_, _) => Task.FromResult(store);
            configure(granary, name);
        }));
        await cluster.DeployAsync();
        return cluster;
    }
}
