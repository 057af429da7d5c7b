using Granary.Engines;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Clients;

/// <summary>The disk of a history as a store that is only read, without faults.</summary>
internal sealed class DiskReader(SimStore disk) : IJobStore
{
    public ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation) =>
        throw ReadOnly();

    public ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) => throw ReadOnly();

    public ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation) => throw ReadOnly();

    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) => new(disk.Load(job));

    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) => new(disk.Find(key));

    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        new(disk.ReadPages(job, from, max, withArgs));

    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        new(disk.ReadRecords(job, from, max, withValues));

    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        new(disk.List(query));

    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation) =>
        new(disk.ListLive(after, max));

    public ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(DateTimeOffset now, int max,
        CancellationToken cancellation) =>
        new(disk.ListExpired(now, max));

    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(DateTimeOffset now, int max, CancellationToken cancellation) =>
        new(disk.ListDue(now, max));

    public ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) => throw ReadOnly();

    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(DateTimeOffset now, int max,
        CancellationToken cancellation) =>
        new(disk.ListStaged(now, max));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static NotSupportedException ReadOnly() => new("This store is only read.");
}
