using System.Globalization;
using Granary.Simulation.Plans;
using Granary.Simulation.Runs;
using Granary.Simulation.Worlds;
using Xunit;
using Xunit.Abstractions;

namespace Granary.Simulation;

[Collection("simulation")]
public sealed class SimulationTests(ITestOutputHelper output)
{
    /// <summary>How many histories the ordinary run takes, unless this variable says otherwise.</summary>
    private const string CountVariable = "GRANARY_HISTORIES";

    [Fact]
    public void No_history_breaks_a_rule()
    {
        string? given = Environment.GetEnvironmentVariable(CountVariable);
        int histories = given is null ? 200_000 : int.Parse(given, CultureInfo.InvariantCulture);
        var campaign = new Campaign((ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() << 20, histories,
            TimeSpan.FromMinutes(4));
        campaign.Run();
        output.WriteLine(campaign.Summary());
        Console.WriteLine(campaign.Summary());
        Assert.True(campaign.FailureCount == 0,
            campaign.Summary() + "\n"
                + string.Join('\n', campaign.Failures.Take(1).Select(f => Shrinker.Describe(Shrinker.Shrink(f)))));
    }

    [Fact]
    public void A_job_that_nobody_asks_for_is_resumed_from_a_disk_that_does_not_answer_at_once()
    {
        var spec = new JobSpec { Kind = JobKind.Batch, Name = "0" };
        var job = new JobPlan(spec, [Item.Task("work", 1), Item.Task("work", 2)]);
        PlanStep[] steps =
        [
            new() { Kind = StepKind.CommitFault, Fault = CommitFault.UnknownDone, Number = 1 },
            new() { Kind = StepKind.Submit },
            new() { Kind = StepKind.Crash, Gap = 40 },
            new() { Kind = StepKind.ReadFault, Number = 3 },
        ];
        for (ulong seed = 1; seed <= 2_000; seed++)
        {
            Result result = Histories.Run(new Plan { Seed = seed, Jobs = [job], Steps = steps });
            Assert.True(result.Violation is null, $"seed {seed}: {result.Violation}");
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        for (ulong seed = 1; seed <= 300; seed++)
            Assert.Equal(Histories.Run(seed).Hash, Histories.Run(seed, tracing: true).Hash);
    }
}
