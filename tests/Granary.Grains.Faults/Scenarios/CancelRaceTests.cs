using System.Diagnostics;
using System.Globalization;
using Granary.Engines;
using Granary.Grains.Faults.Checks;
using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Loads;
using Xunit.Abstractions;

namespace Granary.Grains.Faults.Scenarios;

/// <summary>Cancels that race with completions, over three silos.</summary>
public sealed class CancelRaceTests(ITestOutputHelper output)
{
    private const int Batches = 2_000;
    private const int Tasks = 50;

    [Fact]
    public async Task Each_of_100000_tasks_has_one_end_which_is_told_truthfully()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var load = new Load([cluster.Engine]);
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Batches), new ParallelOptions { MaxDegreeOfParallelism = 24 },
            async (i, _) => await RaceAsync(cluster, load, i));
        TimeSpan lasted = clock.Elapsed;
        Verdict verdict = await Checker.CheckAsync(cluster, load.Jobs);
        ILookup<long, Execution> executions = Execution.ReadAll(cluster.All);
        foreach (SubmittedJob job in load.Jobs) CheckTruth(job, executions[job.Job!.Value.Value].ToArray(), verdict);
        string report = string.Join('\n',
        [
            .. load.Problems, .. verdict.Problems, verdict.ToString(),
            string.Create(CultureInfo.InvariantCulture, $"{verdict.Outcomes / lasted.TotalSeconds:F0} tasks/s: ")
                + string.Join(", ", load.Jobs.SelectMany(job => job.Seen).CountBy(o => $"{o.State} {o.Reason}")
                    .Select(c => $"{c.Key} {c.Value}")),
        ]);
        output.WriteLine(report);
        Assert.True(verdict.IsGood && load.Problems.IsEmpty, report);
        Assert.Equal(Batches * Tasks, verdict.Outcomes);
    }

    private static async Task RaceAsync(FaultCluster cluster, Load load, int i)
    {
        var random = new Random(i);
        var job = new SubmittedJob(JobKind.Batch, (long)i * Tasks, Tasks, 1 + random.Next(Tasks))
        {
            Canceled = random.Next(2) == 0 ? CancelScope.Pending : CancelScope.All,
        };
        Task followed = load.FollowAsync(job, CancellationToken.None);
        while (job.Job is null) await Task.Delay(1);
        await Task.Delay(random.Next(60));
        try
        {
            await cluster.Engine.CancelAsync(job.Job.Value, job.Canceled!.Value);
        }
        catch (RefusedException e) when (e.Refusal == Refusal.Ended)
        {
            // The completions have won.
        }
        await followed;
    }

    // What was canceled before its start was never called; what was stopped gave no value.
    private static void CheckTruth(SubmittedJob job, Execution[] runs, Verdict verdict)
    {
        foreach (Seen outcome in job.Seen.Where(outcome => outcome.State == JobState.Canceled))
        {
            Execution[] own = [.. runs.Where(run => run.Number == job.First + outcome.Index)];
            bool isTrue = outcome.Reason == Reason.BeforeStart ? own.Length == 0 : !own.Any(run => run.Gave);
            if (isTrue) continue;
            verdict.WrongResults++;
            verdict.Add($"{job.Key}: {outcome}, which ran {own.Length} times");
        }
    }
}
