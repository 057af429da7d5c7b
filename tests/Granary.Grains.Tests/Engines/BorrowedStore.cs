using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains.Tests.Engines;

/// <summary>A store that several silos of one process share, and that none of them closes.</summary>
internal sealed class BorrowedStore(IJobStore store) : IJobStore
{
    // The port has one committer at a time; silos have one each.
    private readonly SemaphoreSlim _one = Gates.GetOrCreateValue(store).One;

    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<IJobStore, Gate> Gates = [];

    /// <summary>Done before writes are committed.</summary>
    public Action Committing { get; init; } = static () => { };

    /// <summary>Done before jobs are postponed.</summary>
    public Func<Task> Postponing { get; init; } = static () => Task.CompletedTask;

    public async ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            Committing();
            return await store.CommitAsync(writes, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    public ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) =>
        store.AcquireAsync(job, cancellation);

    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) =>
        store.LoadAsync(job, cancellation);

    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) =>
        store.FindAsync(key, cancellation);

    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        store.ReadPagesAsync(job, from, max, withArgs, cancellation);

    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        store.ReadRecordsAsync(job, from, max, withValues, cancellation);

    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        store.ListAsync(query, cancellation);

    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation) =>
        store.ListLiveAsync(after, max, cancellation);

    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) => store.ListDueAsync(now, max, cancellation);

    public async ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation)
    {
        await Postponing();
        return await store.PostponeAsync(held, dueAt, cancellation);
    }

    public ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) => store.ListExpiredAsync(now, max, cancellation);

    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) => store.ListStagedAsync(now, max, cancellation);

    public ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation) =>
        store.RemoveAsync(job, maxRows, cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Gate
    {
        public SemaphoreSlim One { get; } = new(1);
    }
}
