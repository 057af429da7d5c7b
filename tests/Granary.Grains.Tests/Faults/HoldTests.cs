using Granary.Hosting;
using Granary.Grains.Tests.Engines;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Faults;

/// <summary>A silo that could not say in time that it holds its jobs, as one that was frozen.</summary>
public sealed class HoldTests
{
    private volatile TaskCompletionSource _gate = new();
    private int _begun;

    [Fact]
    public async Task A_silo_that_may_have_lost_its_jobs_starts_nothing_until_it_has_asked()
    {
        _gate.SetResult();
        await using var store = new MemoryJobStore();
        await using InProcessTestCluster cluster = Cluster(store);
        await cluster.DeployAsync();
        var silo = cluster.Silos[0].ServiceProvider.GetRequiredService<SiloEngine>();
        BatchHandle<int> batch = await new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("count", Enumerable.Range(0, 500), new() { MaxConcurrency = 1 });
        await UntilAsync(() => Task.FromResult(_begun > 3));

        _gate = new TaskCompletionSource();
        await UntilAsync(() => Task.FromResult(!silo.HoldsInTime));
        // One may have been on its way to its worker.
        int begun = _begun;
        await Task.Delay(300);
        Assert.InRange(_begun, begun, begun + 1);

        _gate.SetResult();
        await UntilAsync(async () => (await batch.StatusAsync()).Counts.Succeeded == 500);
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        while (!await isSo()) await Task.Delay(2);
    }

    private InProcessTestCluster Cluster(MemoryJobStore store)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => silo.Services.AddGranary(granary =>
        {
            granary.Handle<int, int>("count", async (number, _) =>
            {
                Interlocked.Increment(ref _begun);
                await Task.Delay(5);
                return number;
            });
            granary.UseCluster(_ => new ClusterOptions { Hold = TimeSpan.FromSeconds(1) });
            granary.Store = (_, _) =>
                Task.FromResult<IJobStore>(new BorrowedStore(store) { Postponing = () => _gate.Task });
        }));
        return builder.Build();
    }
}
