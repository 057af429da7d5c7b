using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>
/// Reads the jobs of a store that another process may be working on. It follows what is recorded there, and refuses
/// to steer.
/// </summary>
public sealed class ReadOnlyEngine(IJobStore store) : IJobEngine
{
    /// <summary>How often it looks for more while somebody waits: 100 milliseconds.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _one = new(1);
    private JobLoader? _last;

    /// <inheritdoc/>
    public async Task<JobId?> FindAsync(string key, CancellationToken cancellation = default) =>
        await store.FindAsync(key, cancellation);

    /// <inheritdoc/>
    public async Task<JobStatus> GetStatusAsync(JobId job, CancellationToken cancellation = default)
    {
        StoredJob stored = await store.LoadAsync(job, cancellation) ?? throw Refusals.Of(Refusal.NotFound, job);
        return JobCodec.ReadSummary(job, stored.Summary).ToStatus(JobCodec.ReadHeader(job, stored.Header));
    }

    /// <inheritdoc/>
    public Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellation = default) =>
        JobListing.ReadAsync(store, query, cancellation);

    /// <inheritdoc/>
    public async Task<CompletionPage> ReadCompletionsAsync(
        JobId job, int after, int max, TimeSpan patience, CancellationToken cancellation = default)
    {
        Ranges.Check(after, max);
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            JobReader reader = await FollowAsync(job, cancellation);
            IReadOnlyList<Outcome> outcomes = await reader.ReadCompletionsAsync(after, max, cancellation);
            bool ended = reader.State.IsEnded && after + outcomes.Count >= reader.Log.CompletionCount;
            if (outcomes.Count > 0 || ended || TimeProvider.System.GetElapsedTime(start) >= patience)
                return new CompletionPage(outcomes, ended);
            await Task.Delay(Interval, cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        JobId job, int from, int max, CancellationToken cancellation = default)
    {
        Ranges.Check(from, max);
        JobReader reader = await FollowAsync(job, cancellation);
        return await reader.ReadOutcomesAsync(from, reader.OrdinalsOf(from, max), cancellation);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PendingTask>> ListPendingAsync(
        JobId job, int after, int max, CancellationToken cancellation = default)
    {
        Ranges.Check(0, max);
        return (await FollowAsync(job, cancellation)).ListPending(after, max, static _ => null);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(
        JobId job, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        JobReader reader = await FollowAsync(job, cancellation);
        await foreach (TimelineSpan span in reader.ReadTimelineAsync(cancellation)) yield return span;
    }

    /// <inheritdoc/>
    public Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation = default) => throw ReadOnly();

    /// <inheritdoc/>
    public Task<AppendReceipt> AppendAsync(
        JobId job, IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default) =>
        throw ReadOnly();

    /// <inheritdoc/>
    public Task SealAsync(JobId job, CancellationToken cancellation = default) => throw ReadOnly();

    /// <inheritdoc/>
    public Task CancelAsync(JobId job, CancelScope scope, CancellationToken cancellation = default) => throw ReadOnly();

    /// <inheritdoc/>
    public Task ResizeAsync(JobId job, int maxConcurrency, CancellationToken cancellation = default) =>
        throw ReadOnly();

    /// <inheritdoc/>
    public Task PauseAsync(JobId job, CancellationToken cancellation = default) => throw ReadOnly();

    /// <inheritdoc/>
    public Task ResumeAsync(JobId job, CancellationToken cancellation = default) => throw ReadOnly();

    /// <inheritdoc/>
    public Task<int> RetryFailedAsync(JobId job, CancellationToken cancellation = default) => throw ReadOnly();

    // The last job asked about is kept, and read on from where it was.
    private async Task<JobReader> FollowAsync(JobId job, CancellationToken cancellation)
    {
        // Those before it read a few rows each; who gives up learns so when it is its turn.
        await _one.WaitAsync(CancellationToken.None);
        try
        {
            cancellation.ThrowIfCancellationRequested();
            StoredJob stored = await store.LoadAsync(job, cancellation) ?? throw Refusals.Of(Refusal.NotFound, job);
            if (_last?.Reader.State.Header.Id != job) _last = new JobLoader(store, stored);
            await _last.CatchUpAsync(stored, cancellation);
            return _last.Reader;
        }
        finally
        {
            _one.Release();
        }
    }

    private static StoreException ReadOnly() =>
        new(StoreFault.ReadOnly,
            "The store is open for reading only; steer the job through the process that owns the store.");
}
