using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Granary.Stores;
using Orleans.Core.Internal;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Faults;

/// <summary>A job whose grain is deactivated in order.</summary>
public sealed class HandOverTests
{
    [Fact]
    public async Task Nothing_that_runs_or_is_about_to_is_lost()
    {
        await using var store = new MemoryJobStore();
        // What is lost is found by its lease, and so not within the time of a test.
        var options = new ClusterOptions
        {
            Lease = TimeSpan.FromHours(1), PollInterval = TimeSpan.FromMilliseconds(50),
        };
        await using InProcessTestCluster cluster = await TestSilos.StartAsync(
            1, new BorrowedStore(store), (granary, _) => granary.UseCluster(_ => options).Handle<int, int>(
                "work", async (number, _) =>
                {
                    await Task.Delay(1);
                    return number;
                }));
        BatchHandle<int> batch = await new GranaryClient(new ClusterEngine(cluster.Client))
            .StartBatchAsync<int, int>("work", Enumerable.Range(0, 2_000), new() { MaxConcurrency = 16 });
        IGrainManagementExtension grain = cluster.Client
            .GetJob(new JobName(batch.Id.Value, (byte)JobKind.Batch)).AsReference<IGrainManagementExtension>();

        int deactivations = 0;
        for (int done = 0; done < 2_000; done = (await batch.StatusAsync()).CompletionCount)
        {
            await grain.DeactivateOnIdle();
            deactivations++;
            await Task.Delay(10);
        }

        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        Assert.All(all, outcome => Assert.Equal((JobState.Succeeded, 1), (outcome.State, outcome.Attempts)));
        Assert.True(deactivations > 1);
    }
}
