using System.Collections.Concurrent;
using Granary.Conformance.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Granary.Stores;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Faults;

/// <summary>Where the tasks of a job run.</summary>
public sealed class PlacementTests
{
    private readonly ConcurrentDictionary<string, int> _ran = new();
    private readonly ConcurrentBag<TaskCompletionSource> _waiting = [];

    [Fact]
    public async Task Tasks_are_shared_by_all_silos_in_equal_parts()
    {
        await using var store = new MemoryJobStore();
        await using InProcessTestCluster cluster = await StartAsync(store);
        BatchHandle<int> batch = await new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("long", Enumerable.Range(0, 30), new() { MaxConcurrency = 30 });
        await SoonExtensions.Eventually(() => Task.FromResult(_waiting.Count == 30));
        Assert.Equal([10, 10, 10], _ran.Values);
        foreach (TaskCompletionSource waiting in _waiting) waiting.SetResult();
        await batch.ResultsAsync();
    }

    [Fact]
    public async Task Tasks_that_are_over_before_a_message_would_arrive_stay_with_their_job()
    {
        await using var store = new MemoryJobStore();
        await using InProcessTestCluster cluster = await StartAsync(store);
        BatchHandle<int> batch = await new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("short", Enumerable.Range(0, 1_000), new() { MaxConcurrency = 1 });
        await batch.ResultsAsync();
        // A pause of the machine makes a task look long, and a few after it.
        Assert.InRange(_ran.Values.Max(), 900, 1_000);
    }

    private Task<InProcessTestCluster> StartAsync(MemoryJobStore store) =>
        TestSilos.StartAsync(3, new BorrowedStore(store), (granary, silo) => granary
            .UseCluster()
            .Handle<int, int>("short", (number, _) =>
            {
                Count(silo);
                return Task.FromResult(number);
            })
            .Handle<int, int>("long", async (number, _) =>
            {
                Count(silo);
                var ended = new TaskCompletionSource();
                _waiting.Add(ended);
                await ended.Task;
                return number;
            }));

    private void Count(string silo) => _ran.AddOrUpdate(silo, 1, static (_, ran) => ran + 1);
}
