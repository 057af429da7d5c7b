using System.Runtime.CompilerServices;
using Granary.Engines;

namespace Granary;

/// <summary>A submitted job: what can be read of, and done to, a batch and a chain alike. Cheap to make, safe to use
/// from several threads.</summary>
public abstract class JobHandle
{
    private const int PageSize = 1_000;

    private protected JobHandle(IJobEngine engine, JobId id, bool existed) =>
        (Engine, Id, Existed) = (engine, id, existed);

    /// <summary>The job's id, to find it again later with <see cref="GranaryClient.GetBatch{T}"/> or
    /// <see cref="GranaryClient.GetChain{T}"/>.</summary>
    public JobId Id { get; }

    /// <summary>Whether the submission's key named this job already, with the same content, so that nothing was
    /// started.</summary>
    public bool Existed { get; }

    private protected IJobEngine Engine { get; }

    private protected CompletionLog Log => new(Engine, Id);

    /// <summary>Where the job stands: state, counts, rate, expected end.</summary>
    /// <exception cref="RefusedException"><see cref="Refusal.NotFound"/>: there is no such job, or no
    /// longer.</exception>
    public Task<JobStatus> StatusAsync(CancellationToken cancellation = default) =>
        Engine.GetStatusAsync(Id, cancellation);

    /// <summary>What has not ended, at every depth, in submission order, each with the reason why it is not running
    /// (asyncio: <c>all_tasks</c>).</summary>
    public async IAsyncEnumerable<PendingTask> ListPendingAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        for (int after = -1; ;)
        {
            IReadOnlyList<PendingTask> page = await Engine.ListPendingAsync(Id, after, PageSize, cancellation);
            if (page.Count == 0) yield break;
            foreach (PendingTask task in page) yield return task;
            after = page[^1].Node;
        }
    }

    /// <summary>Every attempt and wait so far, in the order they began.</summary>
    public IAsyncEnumerable<TimelineSpan> TimelineAsync(CancellationToken cancellation = default) =>
        Engine.ReadTimelineAsync(Id, cancellation);

    /// <summary>Cancels what has not started; what runs goes on.</summary>
    public Task CancelPendingAsync(CancellationToken cancellation = default) =>
        Engine.CancelAsync(Id, CancelScope.Pending, cancellation);

    /// <summary>Cancels what has not started, and signals what runs: it is Canceling until it has stopped, finished
    /// anyway, or its <see cref="TaskOptions.CancelGrace"/> has passed, and its outcome says which. Returns when the
    /// request is durable.</summary>
    public Task CancelAsync(CancellationToken cancellation = default) =>
        Engine.CancelAsync(Id, CancelScope.All, cancellation);

    /// <summary>Starts nothing new until <see cref="ResumeAsync"/>; what runs, and waits, go on. Durable.</summary>
    public Task PauseAsync(CancellationToken cancellation = default) => Engine.PauseAsync(Id, cancellation);

    /// <summary>Starts again after <see cref="PauseAsync"/>.</summary>
    public Task ResumeAsync(CancellationToken cancellation = default) => Engine.ResumeAsync(Id, cancellation);

    /// <summary>Runs again only what failed or was canceled; the new outcomes take their places in the same ordered
    /// result.</summary>
    /// <returns>How many items or steps run again.</returns>
    /// <exception cref="RefusedException"><see cref="Refusal.NotEnded"/>: the job has not ended yet.</exception>
    public Task<int> RetryFailedAsync(CancellationToken cancellation = default) =>
        Engine.RetryFailedAsync(Id, cancellation);
}
