using Granary.Conformance.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Faults;

/// <summary>A store that breaks under a silo.</summary>
public sealed class BrokenStoreTests
{
    private Exception? _fault;
    private int _timesLeft;

    [Fact]
    public async Task A_silo_whose_store_will_not_write_again_stops()
    {
        await using var store = new MemoryJobStore();
        await using InProcessTestCluster cluster = await ClusterAsync(store);
        var host = cluster.Silos[0].ServiceProvider.GetRequiredService<IHostApplicationLifetime>();
        Break(new StoreException(StoreFault.Unknown, "It is gone."), times: int.MaxValue);
        using var enough = new CancellationTokenSource();
        Task start = StartAsync(cluster, enough.Token);
        await SoonExtensions.Eventually(() => Task.FromResult(host.ApplicationStopping.IsCancellationRequested));
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => start);
    }

    [Fact]
    public async Task A_silo_goes_on_after_a_bug_of_the_moment()
    {
        await using var store = new MemoryJobStore();
        await using InProcessTestCluster cluster = await ClusterAsync(store);
        var host = cluster.Silos[0].ServiceProvider.GetRequiredService<IHostApplicationLifetime>();
        Break(new InvalidOperationException("It is a bug."), times: 2);
        BatchHandle<int> batch = await StartAsync(cluster, CancellationToken.None);
        Assert.Equal([1], await batch.ResultsAsync());
        Assert.True(_timesLeft < 0);
        Assert.False(host.ApplicationStopping.IsCancellationRequested);
    }

    private static Task<BatchHandle<int>> StartAsync(InProcessTestCluster cluster, CancellationToken cancellation) =>
        new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("same", [1], cancellation: cancellation);

    private Task<InProcessTestCluster> ClusterAsync(MemoryJobStore store) => TestSilos.StartAsync(
        1, new BorrowedStore(store) { Committing = Commit },
        (granary, _) => granary.UseCluster().Handle<int, int>("same", (number, _) => Task.FromResult(number)));

    private void Break(Exception fault, int times) => (_fault, _timesLeft) = (fault, times);

    private void Commit()
    {
        if (_timesLeft-- > 0) throw _fault!;
    }
}
