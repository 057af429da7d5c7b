namespace Granary.Engines;

/// <summary>
/// What every engine does, in JSON and positions; <c>GranaryClient</c> puts types over it. Every answer speaks of
/// durable state only. A refusal is a <see cref="RefusedException"/>; a store that cannot be used is a <see
/// cref="Stores.StoreException"/>.
/// </summary>
public interface IJobEngine
{
    /// <summary>
    /// Submits a job; when it returns, the job is durable. All or nothing: an enumeration that throws leaves no job.
    /// </summary>
    Task<Submission> SubmitAsync(JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation = default);

    /// <summary>Appends items to an open batch, in order; durable when it returns. The same key again, with the same
    /// content, is answered as the first time.</summary>
    /// <returns>The index of the first appended item, and how many were appended.</returns>
    Task<AppendReceipt> AppendAsync(
        JobId job, IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default);

    /// <summary>Ends an open batch's input. Sealing twice is no error.</summary>
    Task SealAsync(JobId job, CancellationToken cancellation = default);

    /// <summary>The job that was submitted with this key, or null.</summary>
    Task<JobId?> FindAsync(string key, CancellationToken cancellation = default);

    /// <summary>Where a job stands.</summary>
    Task<JobStatus> GetStatusAsync(JobId job, CancellationToken cancellation = default);

    /// <summary>Jobs, newest first.</summary>
    Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellation = default);

    /// <summary>
    /// Completions of the job's own items after a sequence number, in the order they were recorded. When there is
    /// none yet and the job goes on, waits up to <paramref name="patience"/>.
    /// </summary>
    Task<CompletionPage> ReadCompletionsAsync(
        JobId job, int after, int max, TimeSpan patience, CancellationToken cancellation = default);

    /// <summary>Outcomes of the job's own items in submission order, null for those that have none yet. Shorter than
    /// <paramref name="max"/> at the end of the list, or to bound the answer's size.</summary>
    Task<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        JobId job, int from, int max, CancellationToken cancellation = default);

    /// <summary>
    /// Tasks and waits that have not ended, at every depth, in submission order, each with the reason why it is not
    /// running. <paramref name="after"/> is the node to go on from; −1 for the beginning.
    /// </summary>
    Task<IReadOnlyList<PendingTask>> ListPendingAsync(
        JobId job, int after, int max, CancellationToken cancellation = default);

    /// <summary>
    /// Attempts so far, in the order they began, and waits, where they ended. Spans that ended are durable, others
    /// are as of now.
    /// </summary>
    IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(JobId job, CancellationToken cancellation = default);

    /// <summary>
    /// Cancels; durable when it returns, although what runs may need its grace to stop. On an ended job nothing
    /// happens.
    /// </summary>
    Task CancelAsync(JobId job, CancelScope scope, CancellationToken cancellation = default);

    /// <summary>Changes the pool of a batch while it runs. Never interrupts what runs.</summary>
    Task ResizeAsync(JobId job, int maxConcurrency, CancellationToken cancellation = default);

    /// <summary>Starts nothing new until resumed; waits and what runs go on.</summary>
    Task PauseAsync(JobId job, CancellationToken cancellation = default);

    /// <summary>Starts again.</summary>
    Task ResumeAsync(JobId job, CancellationToken cancellation = default);

    /// <summary>
    /// Runs again what failed or was canceled; the new outcomes take their places in the same ordered result.
    /// </summary>
    /// <returns>How many items of the job run again.</returns>
    Task<int> RetryFailedAsync(JobId job, CancellationToken cancellation = default);
}
