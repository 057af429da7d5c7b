using Granary.Conformance.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
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
        await using InProcessTestCluster cluster = await ClusterAsync(store);
        var silo = cluster.Silos[0].ServiceProvider.GetRequiredService<SiloEngine>();
        BatchHandle<int> batch = await new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("count", Enumerable.Range(0, 500), new() { MaxConcurrency = 1 });
        await SoonExtensions.Eventually(() => Task.FromResult(_begun > 3));

        _gate = new TaskCompletionSource();
        await SoonExtensions.Eventually(() => Task.FromResult(!silo.HoldsInTime));
        // One may have been on its way to its worker.
        int begun = _begun;
        await Task.Delay(300);
        Assert.InRange(_begun, begun, begun + 1);

        _gate.SetResult();
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Succeeded == 500);
    }

    private Task<InProcessTestCluster> ClusterAsync(MemoryJobStore store) => TestSilos.StartAsync(
        1, new BorrowedStore(store) { Postponing = () => _gate.Task }, (granary, _) => granary
            .UseCluster(_ => new ClusterOptions { Hold = TimeSpan.FromSeconds(1) })
            .Handle<int, int>("count", async (number, _) =>
            {
                Interlocked.Increment(ref _begun);
                await Task.Delay(5);
                return number;
            }));
}
