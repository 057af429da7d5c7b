using Granary.Engines;

namespace Granary.Client.Tests;

/// <summary>An engine without rules: it keeps what it is given, and replays a log. For what a client costs and
/// sends.</summary>
internal sealed class ReplayEngine(Outcome[] log, JobState state = JobState.Succeeded) : IJobEngine
{
    public JobSpec? Spec { get; private set; }

    public int Items { get; private set; }

    public int Reads { get; private set; }

    public async Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation = default)
    {
        Spec = spec;
        await foreach (Item item in items.WithCancellation(cancellation)) Items++;
        return new Submission(new JobId(1), Existed: false);
    }

    public Task<JobStatus> GetStatusAsync(JobId job, CancellationToken cancellation = default) =>
        Task.FromResult(new JobStatus
    {
        Id = job,
        Spec = new JobSpec { Kind = JobKind.Batch },
        State = state,
        Reason = Reason.None,
        Counts = default,
        ItemCount = log.Length,
        CompletionCount = log.Length,
        MaxConcurrency = 1,
        Paused = false,
        Open = false,
        SubmittedAt = DateTimeOffset.UnixEpoch,
    });

    public Task<CompletionPage> ReadCompletionsAsync(
        JobId job, int after, int max, TimeSpan patience, CancellationToken cancellation = default)
    {
        Reads++;
        var page = new ArraySegment<Outcome>(log, after, Math.Min(max, log.Length - after));
        return Task.FromResult(new CompletionPage(page, after + page.Count == log.Length));
    }

    public Task<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        JobId job, int from, int max, CancellationToken cancellation = default) => throw new NotSupportedException();

    public Task<AppendReceipt> AppendAsync(
        JobId job, IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task SealAsync(JobId job, CancellationToken cancellation = default) => throw new NotSupportedException();

    public Task<JobId?> FindAsync(string key, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<PendingTask>> ListPendingAsync(
        JobId job, int after, int max, CancellationToken cancellation = default) => throw new NotSupportedException();

    public IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(JobId job, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task CancelAsync(JobId job, CancelScope scope, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task ResizeAsync(JobId job, int maxConcurrency, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task PauseAsync(JobId job, CancellationToken cancellation = default) => throw new NotSupportedException();

    public Task ResumeAsync(JobId job, CancellationToken cancellation = default) => throw new NotSupportedException();

    public Task<int> RetryFailedAsync(JobId job, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <summary>The outcome of an item that returned this JSON, or failed.</summary>
    public static Outcome Outcome(int index, int sequence, string? json, string error = "no") => new()
    {
        Index = index,
        Sequence = sequence,
        State = json is null ? JobState.Failed : JobState.Succeeded,
        Reason = Reason.None,
        Value = json is null ? default : System.Text.Encoding.UTF8.GetBytes(json),
        Error = json is null ? TaskError.Of("Broken", error) : null,
        Attempts = 1,
        StartedAt = DateTimeOffset.UnixEpoch,
        Duration = TimeSpan.Zero,
    };
}
