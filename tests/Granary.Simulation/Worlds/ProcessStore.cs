using Granary.Engines;
using Granary.Stores;

namespace Granary.Simulation.Worlds;

/// <summary>The disk as one process sees it: answers come at once or later, and sometimes not at all. Commits go by
/// <see cref="SimCommit"/>.</summary>
internal sealed class ProcessStore(World world, SimContext context) : IJobStore
{
    private SimStore Disk => world.Disk;

    public ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation) =>
        throw new NotSupportedException("The simulation takes the steps of a commit itself.");

    public ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) =>
        Answer(() => Disk.Acquire(job));

    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) => Answer(() => Disk.Load(job));

    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) => Answer(() => Disk.Find(key));

    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        Answer(() => Disk.ReadPages(job, from, max, withArgs));

    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        Answer(() => Disk.ReadRecords(job, from, max, withValues));

    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        Answer(() => Disk.List(query));

    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation) =>
        Answer<IReadOnlyList<JobId>>(() => Disk.ListLive(after, max));

    public ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(DateTimeOffset now, int max,
        CancellationToken cancellation) =>
        Answer<IReadOnlyList<JobId>>(() => Disk.ListExpired(now, max));

    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(DateTimeOffset now, int max, CancellationToken cancellation) =>
        Answer<IReadOnlyList<JobId>>(() => Disk.ListDue(now, max));

    public ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) =>
        Answer<IReadOnlyList<JobId>>(() => Disk.Postpone(held, dueAt));

    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(DateTimeOffset now, int max,
        CancellationToken cancellation) =>
        Answer<IReadOnlyList<JobId>>(() => Disk.ListStaged(now, max));

    public ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation) => Answer(() =>
    {
        Disk.Remove(job);
        return true;
    });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ValueTask<T> Answer<T>(Func<T> read)
    {
        if (context.IsDead) return new(new TaskCompletionSource<T>().Task);
        if (world.Faults.TakeReadFault())
        {
            world.Trace($"a read fails");
            return ValueTask.FromException<T>(new StoreException(StoreFault.Unavailable,
                "The simulated disk does not answer."));
        }
        return world.Faults.ReadsLate() ? new(LaterAsync(read)) : new(read());
    }

    private static async Task<T> LaterAsync<T>(Func<T> read)
    {
        await Task.Yield();
        T answer = read();
        await Task.Yield();
        return answer;
    }
}
