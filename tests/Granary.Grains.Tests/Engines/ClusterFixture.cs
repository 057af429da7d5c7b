using Granary.Conformance.Engines;
using Granary.Engines;
using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace Granary.Grains.Tests.Engines;

/// <summary>A cluster of silos in this process on a store that outlives them.</summary>
public abstract class ClusterFixture(short silos, bool fromOutside) : EngineFixture
{
    private InProcessTestCluster? _cluster;

    public override async Task<IJobEngine> StartAsync(HandlerRegistry handlers)
    {
        ClusterOptions options = Options();
        _cluster = TestSilos.Build(silos, (silo, _) =>
        {
            silo.Services.AddSingleton(handlers);
            silo.Services.AddGranary(granary =>
            {
                granary.UseCluster(_ => options);
                granary.Store = (_, cancellation) => OpenAsync(cancellation);
            });
        }, fromOutside);
        await _cluster.DeployAsync();
        return fromOutside
            ? new ClusterEngine(_cluster.Client, options)
            : _cluster.GetSiloServiceProvider().GetRequiredService<IJobEngine>();
    }

    public override async Task StopAsync()
    {
        await _cluster!.StopAllSilosAsync();
        await CloseAsync();
    }

    public override async Task CrashAsync()
    {
        foreach (InProcessSiloHandle silo in _cluster!.Silos)
            await silo.ServiceProvider.GetRequiredService<SiloEngine>().CrashAsync();
        await CloseAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await CrashAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store, for one silo; what it kept before is in it.</summary>
    protected abstract Task<IJobStore> OpenAsync(CancellationToken cancellation);

    // The tests' own clock for jobs; short leases, since they pass in real time.
    private ClusterOptions Options() => new()
    {
        Time = Time,
        MaxArgumentBytes = Settings.MaxArgumentBytes,
        MaxResultBytes = Settings.MaxResultBytes,
        MissingHandlerTimeout = Settings.MissingHandlerTimeout,
        DrainTimeout = TimeSpan.Zero,
        Lease = TimeSpan.FromSeconds(5),
        Hold = TimeSpan.FromSeconds(1),
        PollInterval = TimeSpan.FromMilliseconds(100),
    };

    private async Task CloseAsync()
    {
        InProcessTestCluster cluster = _cluster!;
        _cluster = null;
        foreach (InProcessSiloHandle silo in cluster.Silos) await cluster.KillSiloAsync(silo);
        // Without this the process keeps all that the cluster had.
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
    }
}
