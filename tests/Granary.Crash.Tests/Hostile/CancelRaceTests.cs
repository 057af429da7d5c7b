using Granary.Embedded;
using Granary.Stores;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Hostile;

/// <summary>Cancels that race with completions.</summary>
public sealed class CancelRaceTests(ITestOutputHelper output)
{
    private const int Batches = 2_000;
    private const int Tasks = 50;

    [Fact]
    public async Task Each_task_has_one_end_which_is_told_truthfully()
    {
        await using var store = new MemoryJobStore();
        bool[] ended = new bool[Batches * Tasks], begun = new bool[Batches * Tasks];
        await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, new HandlerRegistry()
            .Handle<int, int>("race", async (number, task) =>
            {
                begun[number] = true;
                for (int i = number % 7; i > 0; i--) await Task.Yield();
                task.CancellationToken.ThrowIfCancellationRequested();
                ended[number] = true;
                return number;
            }));
        var granary = new GranaryClient(engine);
        var random = new Random(Settings.Seed);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < Batches; i++)
        {
            int first = i * Tasks;
            BatchHandle<int> batch = await granary.StartBatchAsync<int, int>(
                "race", Enumerable.Range(first, Tasks), new BatchOptions { MaxConcurrency = 1 + random.Next(Tasks) });
            for (int spin = random.Next(400); spin > 0; spin--) Thread.SpinWait(20);
            await (random.Next(2) == 0 ? batch.CancelAsync() : batch.CancelPendingAsync());
            foreach (TaskOutcome<int> outcome in await CheckAsync(batch))
            {
                Check(outcome, first + outcome.Index, begun, ended);
                string kind = $"{outcome.State} {outcome.Reason}";
                counts[kind] = counts.GetValueOrDefault(kind) + 1;
            }
        }
        output.WriteLine($"{Batches * Tasks} races: " +
            string.Join(", ", counts.OrderByDescending(c => c.Value).Select(c => $"{c.Key} {c.Value}")));
        Assert.True(counts.Count >= 3, "The cancels did not race with anything.");
    }

    // Every outcome once in the log, and the same in the ordered list.
    private static async Task<IReadOnlyList<TaskOutcome<int>>> CheckAsync(BatchHandle<int> batch)
    {
        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        int sequence = 0;
        await foreach (TaskOutcome<int> each in batch.WhenEachAsync())
        {
            Assert.Equal(++sequence, each.Sequence);
            Assert.Equal((each.State, each.Reason, each.Sequence),
                (all[each.Index].State, all[each.Index].Reason, all[each.Index].Sequence));
        }
        Assert.Equal((Tasks, Tasks), (sequence, all.Count));
        return all;
    }

    private static void Check(TaskOutcome<int> outcome, int number, bool[] begun, bool[] ended)
    {
        switch (outcome.State)
        {
            case JobState.Succeeded:
                Assert.True(ended[number]);
                Assert.Equal(number, outcome.Value);
                break;
            case JobState.Canceled when outcome.Reason == Reason.BeforeStart:
                Assert.False(begun[number], $"{outcome} had begun.");
                Assert.Equal(0, outcome.Attempts);
                break;
            default:
                Assert.Equal((JobState.Canceled, Reason.Stopped), (outcome.State, outcome.Reason));
                Assert.False(ended[number], $"{outcome} had ended.");
                break;
        }
    }
}
