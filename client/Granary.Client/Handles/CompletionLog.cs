using System.Runtime.CompilerServices;
using Granary.Engines;

namespace Granary;

/// <summary>Reads a job's completion log to its end, waiting where it has to, and puts outcomes at their
/// places.</summary>
internal readonly struct CompletionLog(IJobEngine engine, JobId job)
{
    public const int PageSize = 2_048;

    /// <summary>How long one call waits for news; short enough for every connection between here and the
    /// engine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public Task<CompletionPage> ReadAsync(int after, CancellationToken cancellation) =>
        engine.ReadCompletionsAsync(job, after, PageSize, Patience, cancellation);

    /// <summary>Every outcome in submission order, once the job has ended. A retried item's later outcome takes its
    /// place.</summary>
    public async Task<TaskOutcome<T>[]> GatherAsync<T>(CancellationToken cancellation)
    {
        JobStatus status = await engine.GetStatusAsync(job, cancellation);
        var all = new TaskOutcome<T>?[status.ItemCount];
        int count = all.Length;
        bool ended = false;
        for (int after = 0; !ended;)
        {
            CompletionPage page = await ReadAsync(after, cancellation);
            foreach (Outcome outcome in page.Outcomes)
            {
                if (outcome.Index >= all.Length) Array.Resize(ref all, Math.Max(all.Length * 2, outcome.Index + 1));
                all[outcome.Index] = new TaskOutcome<T>(outcome);
                count = Math.Max(count, outcome.Index + 1);
            }
            if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
            ended = page.Ended;
        }
        if (count != all.Length) Array.Resize(ref all, count);
        int missing = Array.IndexOf(all, null);
        if (missing >= 0)
            throw new InvalidOperationException($"Job {job} has ended, and item {missing} has no outcome.");
        return all!;
    }

    /// <summary>What is there now, in submission order; null for what has no outcome yet.</summary>
    public async Task<List<Outcome?>> SnapshotAsync(int count, CancellationToken cancellation)
    {
        var outcomes = new List<Outcome?>(count);
        while (outcomes.Count < count)
        {
            var page = await engine.ReadOutcomesAsync(job, outcomes.Count, PageSize, cancellation);
            if (page.Count == 0) break;
            outcomes.AddRange(page);
        }
        return outcomes;
    }

    public async IAsyncEnumerable<TaskOutcome<T>> EachAsync<T>(
        int after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        bool ended = false;
        while (!ended)
        {
            CompletionPage page = await ReadAsync(after, cancellation);
            foreach (Outcome outcome in page.Outcomes)
            {
                after = outcome.Sequence;
                yield return new TaskOutcome<T>(outcome);
            }
            ended = page.Ended;
        }
    }
}
