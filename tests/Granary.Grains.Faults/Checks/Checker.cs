using Granary.Engines;
using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Loads;
using Granary.Grains.Faults.Silos;
using Granary.Persistence;
using Granary.Postgres;

namespace Granary.Grains.Faults.Checks;

/// <summary>Compares what the clients were told, what the silos ran, and what the store holds in the end.</summary>
internal sealed class Checker(FaultCluster cluster, ILookup<long, Execution> executions)
{
    /// <summary>Whether the silos were kept from running a batch twice: false where clusters fight for it.</summary>
    public bool CountsConcurrency { get; init; } = true;

    public Verdict Verdict { get; } = new();

    public static async Task<Verdict> CheckAsync(
        FaultCluster cluster, IEnumerable<SubmittedJob> jobs, bool countsConcurrency = true)
    {
        var checker = new Checker(cluster, Execution.ReadAll(cluster.All)) { CountsConcurrency = countsConcurrency };
        await Parallel.ForEachAsync(
            jobs.Where(job => job.Job is not null), new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (job, _) => await checker.CheckAsync(job));
        await checker.CheckStoreAsync();
        checker.CountDiaries();
        return checker.Verdict;
    }

    private async Task CheckAsync(SubmittedJob job)
    {
        IJobEngine engine = cluster.Engine;
        JobStatus status;
        JobId? found;
        var stored = new List<Seen>();
        try
        {
            status = await engine.GetStatusAsync(job.Job!.Value);
            found = await engine.FindAsync(job.Key);
            for (bool more = true; more;)
            {
                CompletionPage page = await engine.ReadCompletionsAsync(
                    job.Job.Value, stored.Count, 1_000, TimeSpan.Zero);
                stored.AddRange(page.Outcomes.Select(Seen.Of));
                more = page.Outcomes.Count > 0;
            }
        }
        catch (RefusedException e)
        {
            lock (Verdict) Problem(job, $"lost: {e.Message}", v => v.LostSubmits++);
            return;
        }
        IReadOnlyList<Outcome?> ordered = await engine.ReadOutcomesAsync(job.Job.Value, 0, job.Count);
        lock (Verdict)
        {
            Verdict.Jobs++;
            Verdict.Outcomes += stored.Count;
            if (found != job.Job || status.ItemCount != job.Count)
                Problem(job, $"{status.ItemCount} items, found by key as {found}", v => v.LostSubmits++);
            if (!status.State.IsEnd() || (!job.HasEnded && stored.Count < job.Count))
                Problem(job, $"is {status.State}, {status.Counts}", v => v.Unfinished++);
            CheckLog(job, stored, ordered);
            CheckRuns(job, stored);
        }
    }

    // Every outcome once, as it was shown, and the same in the ordered list.
    private void CheckLog(SubmittedJob job, List<Seen> stored, IReadOnlyList<Outcome?> ordered)
    {
        if (stored.Select(outcome => outcome.Index).Distinct().Count() != stored.Count)
            Problem(job, "an outcome was recorded twice", v => v.ChangedOutcomes++);
        for (int i = 0; i < stored.Count; i++)
        {
            Seen outcome = stored[i];
            bool same = outcome.Sequence == i + 1 && (i >= job.Seen.Count || job.Seen[i] == outcome)
                && ordered[outcome.Index] is { } other && Seen.Of(other) == outcome;
            if (!same)
                Problem(job, $"{outcome} was shown as {job.Seen.ElementAtOrDefault(i)}", v => v.ChangedOutcomes++);
        }
        if (job.Seen.Count > stored.Count)
            Problem(job, $"{job.Seen.Count} outcomes shown, {stored.Count} there", v => v.ChangedOutcomes++);
    }

    private void CheckRuns(SubmittedJob job, List<Seen> stored)
    {
        Execution[] runs = [.. executions[job.Job!.Value.Value]];
        Verdict.Executions += runs.Length;
        Verdict.Stopped += runs.Count(run => !run.Gave);
        ILookup<long, Execution> byNumber = runs.ToLookup(run => run.Number);
        foreach (Seen outcome in stored) CheckResult(job, outcome, byNumber[job.First + outcome.Index]);
        for (int step = 1; step < job.Count && job.Kind == JobKind.Chain; step++)
        {
            long before = byNumber[job.First + step - 1].Where(run => run.Gave)
                .Select(run => run.End).DefaultIfEmpty(long.MaxValue).Min();
            if (byNumber[job.First + step].Any(run => run.Begin < before))
                Problem(job, $"step {step + 1} began before step {step} had ended", v => v.StepsOutOfOrder++);
        }
        (int most, int givenUp) = Concurrency.Measure(runs);
        Verdict.GivenUp += givenUp;
        if (most > job.Pool && CountsConcurrency)
            Problem(job, $"{most} ran at once, {job.Pool} may", v => v.TooManyAtOnce++);
    }

    private void CheckResult(SubmittedJob job, Seen outcome, IEnumerable<Execution> runs)
    {
        bool right = outcome.State switch
        {
            JobState.Succeeded => outcome.Value == $"{job.First + outcome.Index + 1}" && runs.Any(run => run.Gave),
            JobState.Canceled when outcome.Reason == Reason.BeforeStart => job.Canceled is not null,
            JobState.Canceled => job.Canceled == CancelScope.All,
            _ => false,
        };
        if (!right) Problem(job, $"wrong: {outcome}", v => v.WrongResults++);
    }

    private async Task CheckStoreAsync()
    {
        await using PostgresJobStore store = await cluster.OpenStoreAsync();
        foreach (string problem in await store.CheckAsync(CancellationToken.None)) Other(problem);
        await foreach (string problem in StoreVerifier.VerifyAsync(store)) Other(problem);
    }

    private void CountDiaries()
    {
        foreach (DiaryLine line in cluster.All.SelectMany(silo => silo.ReadDiary()))
        {
            if (line.Kind == DiaryKind.Fenced) Verdict.Fenced += line.Number;
            else if (line.Kind == DiaryKind.Lost) Verdict.Lost += line.Number;
            else if (line.Kind == DiaryKind.Recovered) Verdict.Recovered += line.Number;
        }
    }

    private void Other(string problem)
    {
        Verdict.Others++;
        Verdict.Add(problem);
    }

    private void Problem(SubmittedJob job, string problem, Action<Verdict> count)
    {
        count(Verdict);
        Verdict.Add($"{job.Key} ({job.Job}): {problem}");
    }
}
