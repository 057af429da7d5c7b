using Xunit;

namespace Granary.Client.Tests;

/// <summary>What the client adds to the cost of a task, where an engine answers at once.</summary>
public sealed class CostTests
{
    private const int Count = 100_000;

    [Fact]
    public async Task A_submitted_task_allocates_its_item_and_its_arguments_and_nothing_else()
    {
        var granary = new GranaryClient(new ReplayEngine([]));
        await granary.StartBatchAsync<int, int>("warm up", [1]);

        long before = GC.GetAllocatedBytesForCurrentThread();
        await granary.StartBatchAsync<int, int>("echo", Enumerable.Range(0, Count));
        long perTask = (GC.GetAllocatedBytesForCurrentThread() - before) / Count;

        // An item of 64 bytes, and an array of 24 and its 5 digits.
        Assert.InRange(perTask, 1, 112);
    }

    [Fact]
    public async Task A_gathered_task_allocates_its_outcome_and_its_place_and_nothing_else()
    {
        var engine = new ReplayEngine([.. Enumerable.Range(0, Count).Select(i => ReplayEngine.Outcome(i, i + 1, "1"))]);
        BatchHandle<int> batch = new GranaryClient(engine).GetBatch<int>(new JobId(1));
        await batch.WhenAllAsync();

        long before = GC.GetAllocatedBytesForCurrentThread();
        var all = await batch.WhenAllAsync();
        long perTask = (GC.GetAllocatedBytesForCurrentThread() - before) / Count;

        Assert.Equal(Count, all.Count);
        Assert.InRange(perTask, 1, 48);
    }

    [Fact]
    public async Task Outcomes_are_gathered_in_pages_of_a_thousand_or_more()
    {
        var engine = new ReplayEngine([.. Enumerable.Range(0, Count).Select(i => ReplayEngine.Outcome(i, i + 1, "1"))]);
        await new GranaryClient(engine).GetBatch<int>(new JobId(1)).WhenAllAsync();
        Assert.InRange(engine.Reads, 1, Count / 1_000);
    }
}
