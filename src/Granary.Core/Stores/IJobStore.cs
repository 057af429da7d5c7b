using Granary.Engines;

namespace Granary.Stores;

/// <summary>
/// Where jobs are kept: for each job a header, pages of items, a log of records, and a summary for listings. A store
/// finds and keeps; it decides nothing. All members may be called from several threads, except that <see
/// cref="CommitAsync"/> has one caller at a time (<see cref="GroupCommit"/>). Blobs are opaque, carry their own
/// checksums, and are never changed once they were given.
/// </summary>
public interface IJobStore : IAsyncDisposable
{
    /// <summary>
    /// Takes the store for this process alone until it is disposed: for an engine that must be the only one. Does
    /// nothing where one process has a store to itself anyway.
    /// </summary>
    /// <exception cref="StoreException">Another process has taken it; the message says which.</exception>
    ValueTask OwnAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>
    /// Applies the writes in order in one durable transaction. A write that is refused has no effect, and does not
    /// touch the others. When this returns, everything written survives a power cut.
    /// </summary>
    /// <exception cref="StoreException">Nothing was written, or it is unknown what was. After a transient fault the
    /// same list may be given again, and each write of it is written once; after <see cref="StoreFault.Unknown"/>
    /// nothing may be given any more.</exception>
    ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation);

    /// <summary>
    /// Takes the job over: raises its epoch durably, so that holders of older epochs are refused, and returns it.
    /// Null if there is none.
    /// </summary>
    ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation);

    /// <summary>Returns the job without taking it over. Null if there is none, or only a staged one.</summary>
    ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation);

    /// <summary>The job with this key. Null if there is none.</summary>
    ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation);

    /// <summary>
    /// Pages numbered <paramref name="from"/> and up, at most <paramref name="max"/>; without args where they are not
    /// asked for.
    /// </summary>
    ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation);

    /// <summary>
    /// Records numbered <paramref name="from"/> and up, at most <paramref name="max"/>; without values where they are
    /// not asked for.
    /// </summary>
    ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation);

    /// <summary>Summaries, newest first. A null state means all.</summary>
    ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation);

    /// <summary>Ids of live jobs after the given one, oldest first, for resuming them.</summary>
    ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation);

    /// <summary>Ids of finished jobs whose <see cref="JobWrite.ExpiresAt"/> has passed.</summary>
    ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(DateTimeOffset now, int max, CancellationToken cancellation);

    /// <summary>
    /// Ids of live jobs whose <see cref="JobWrite.DueAt"/> has passed, the longest due first.
    /// </summary>
    ValueTask<IReadOnlyList<JobId>> ListDueAsync(DateTimeOffset now, int max, CancellationToken cancellation);

    /// <summary>
    /// Sets when live jobs are due, for the holders of these epochs. Need not survive a power cut: a job is then due
    /// when it was before.
    /// </summary>
    /// <returns>The jobs that are not theirs any more, taken over or gone; these are left alone.</returns>
    ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation);

    /// <summary>
    /// Ids of staged jobs, submissions that have not become live, that have no <see cref="JobWrite.DueAt"/> or whose
    /// has passed. An engine that is the only one removes all of them at start.
    /// </summary>
    ValueTask<IReadOnlyList<JobId>> ListStagedAsync(DateTimeOffset now, int max, CancellationToken cancellation);

    /// <summary>
    /// Removes a job, at most <paramref name="maxRows"/> pages and records at a time so that nothing else stalls. A
    /// live one is left alone: since it was listed, it was published, or is being retried.
    /// </summary>
    /// <returns>Whether nothing is left to remove.</returns>
    ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation);
}

/// <summary>Where a job stands for the store. Persisted: zero is invalid.</summary>
public enum JobPhase : byte
{
    /// <summary>Its submission is not complete; it is not visible.</summary>
    Staged = 1,

    /// <summary>Something is left to do.</summary>
    Live = 2,

    /// <summary>It has ended.</summary>
    Finished = 3,
}

/// <summary>What is written of one job in one transaction.</summary>
public sealed class JobWrite
{
    /// <summary>The job.</summary>
    public required JobId Job { get; init; }

    /// <summary>
    /// The writer's epoch; refused as <see cref="WriteResult.Fenced"/> unless it is the job's (a new job has epoch
    /// 1).
    /// </summary>
    public required long Epoch { get; init; }

    /// <summary>The encoded header, for a job that is new with this write; otherwise null.</summary>
    public ReadOnlyMemory<byte>? Header { get; init; }

    /// <summary>The phase after this write.</summary>
    public required JobPhase Phase { get; init; }

    /// <summary>
    /// The key, in the write that makes a job <see cref="JobPhase.Live"/> for the first time; otherwise null. Refused
    /// as <see cref="WriteResult.KeyTaken"/> if another job has it.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>For listings by state.</summary>
    public required JobState State { get; init; }

    /// <summary>The encoded summary.</summary>
    public required ReadOnlyMemory<byte> Summary { get; init; }

    /// <summary>When a finished job may be removed.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When somebody has to look at this job although nobody holds it: the due-time index. Null: it is not in
    /// the index.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>New pages.</summary>
    public IReadOnlyList<StoredPage> Pages { get; init; } = [];

    /// <summary>The new record, if any.</summary>
    public StoredRecord? Record { get; init; }
}

/// <summary>What became of one write.</summary>
public enum WriteResult : byte
{
    /// <summary>It is durable.</summary>
    Written = 1,

    /// <summary>Another holder has taken the job over, or the job is gone.</summary>
    Fenced = 2,

    /// <summary>The key names another job.</summary>
    KeyTaken = 3,

    /// <summary>A new job's id is in use.</summary>
    IdTaken = 4,
}

/// <summary>A job, and the epoch under which somebody holds it.</summary>
/// <param name="Job">The job.</param>
/// <param name="Epoch">The holder's epoch.</param>
public readonly record struct HeldJob(JobId Job, long Epoch);

/// <summary>A job's row.</summary>
/// <param name="Job">The job.</param>
/// <param name="Epoch">Its epoch now.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Header">The encoded header.</param>
/// <param name="Summary">The encoded summary, as of the last write.</param>
public sealed record StoredJob(
    JobId Job, long Epoch, JobPhase Phase, ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Summary);

/// <summary>Some items of a job, in order.</summary>
/// <param name="Number">From 0, without gaps.</param>
/// <param name="Shape">The encoded shape: what the items are.</param>
/// <param name="Args">The encoded arguments; empty when not asked for.</param>
public sealed record StoredPage(int Number, ReadOnlyMemory<byte> Shape, ReadOnlyMemory<byte> Args);

/// <summary>What happened to a job between two commits.</summary>
/// <param name="Number">From 0, without gaps.</param>
/// <param name="Events">The encoded events.</param>
/// <param name="Values">The encoded results; empty when not asked for.</param>
public sealed record StoredRecord(int Number, ReadOnlyMemory<byte> Events, ReadOnlyMemory<byte> Values);
