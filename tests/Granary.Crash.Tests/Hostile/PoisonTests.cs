using System.Globalization;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Hostile;

/// <summary>Tasks that take the process down with them.</summary>
public sealed class PoisonTests(ITestOutputHelper output)
{
    private const int MostRestarts = 60;

    [Fact]
    public async Task Tasks_that_kill_the_process_are_given_up_and_all_others_succeed()
    {
        using var victim = new Victim();
        int deaths = 0;
        Ending ending;
        while ((ending = await victim.RunAsync("poison")).Code != 0)
            Assert.True(++deaths < MostRestarts, $"Still dying after {deaths} restarts: {ending.Code} {ending.Error}");

        await using SqliteJobStore store = await victim.OpenAsync();
        await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Poison.Handlers("none"));
        BatchHandle<int> batch = await new GranaryClient(engine).StartBatchAsync<int>(Poison.Items, Poison.Options);
        Assert.True(batch.Existed);
        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        Dictionary<int, int> starts = File.ReadLines(victim.Database + "-starts")
            .GroupBy(line => int.Parse(line, CultureInfo.InvariantCulture)).ToDictionary(g => g.Key, g => g.Count());
        output.WriteLine($"{deaths} deaths; starts of each poison: " +
            string.Join(", ", starts.Select(s => $"{Poison.Kind(s.Key)} {s.Value}")));
        output.WriteLine(string.Join("\n", all.Where(o => !o.Succeeded)));
        foreach (TaskOutcome<int> outcome in all) Check(outcome, starts);
    }

    private static void Check(TaskOutcome<int> outcome, Dictionary<int, int> starts)
    {
        switch (Poison.Kind(outcome.Index))
        {
            case null:
                Assert.Equal((JobState.Succeeded, outcome.Index), (outcome.State, outcome.Value));
                break;
            case "memory":
                Assert.Equal((JobState.Failed, typeof(OutOfMemoryException).FullName),
                    (outcome.State, outcome.Error!.Type));
                break;
            default:
                Assert.Equal((JobState.Failed, Reason.Interrupted), (outcome.State, outcome.Reason));
                // The first start of an engine may die before its record is written; from then on each is charged.
                Assert.InRange(starts.GetValueOrDefault(outcome.Index), 1, Poison.MaxInterruptions + 2);
                break;
        }
    }
}
