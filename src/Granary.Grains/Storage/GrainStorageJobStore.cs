using Granary.Engines;
using Granary.Stores;
using Orleans.Storage;

namespace Granary.Grains;

/// <summary>
/// Keeps jobs in any Orleans grain storage provider. A job is a small row, whose conditional write is each commit, and
/// bounded states beside it that are written before the row and count only when the row counts them. There are no
/// transactions over several jobs: the jobs of a group are committed one by one, and within this process they are seen
/// together, unless the provider fails in between.
/// </summary>
internal sealed class GrainStorageJobStore : IJobStore
{
    private readonly StateStorage _storage;
    private readonly JobRows _rows;
    private readonly JobKeys _keys;
    private readonly JobParts _parts;
    private readonly JobIndex _index;
    private readonly JobLists _lists;

    // Of one caller at a time. It was not finished: given again, it goes on.
    private CommitGroup? _group;

    // Rows are being written; whoever reads waits for all of them, so that no half of a group is seen.
    private volatile Task _publishing = Task.CompletedTask;

    /// <summary>Makes one.</summary>
    /// <param name="storage">The provider.</param>
    /// <param name="stateName">Under which its states are kept; stores of different names know nothing of each
    /// other.</param>
    /// <param name="time">Tells which submissions were cut off.</param>
    public GrainStorageJobStore(IGrainStorage storage, string stateName, TimeProvider time)
    {
        _storage = new StateStorage(storage, stateName);
        _rows = new JobRows(_storage);
        _keys = new JobKeys(_storage, _rows);
        _parts = new JobParts(_storage);
        _index = new JobIndex(_storage, _rows, time);
        _lists = new JobLists(_index, _rows, time);
    }

    public async ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (writes.Count == 0) return [];
        if (_group?.IsOf(writes) != true) _group = new CommitGroup(writes, _storage, _rows, _keys, _index);
        var published = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            WriteResult[] results = await _group.RunAsync(() => _publishing = published.Task);
            _group = null;
            return results;
        }
        finally
        {
            published.SetResult();
        }
    }

    public async ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation)
    {
        await _publishing;
        JobRow? row = await _rows.UpdateAsync(
            job, row => row.IsVisible ? row with { Epoch = row.Epoch + 1 } : null);
        return row is { IsVisible: true } ? (row with { Epoch = row.Epoch + 1 }).ToStored(job) : null;
    }

    public async ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation)
    {
        await _publishing;
        return (await _rows.ReadAsync(job)).Job is { IsVisible: true } row ? row.ToStored(job) : null;
    }

    public async ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation)
    {
        await _publishing;
        return await _keys.FindAsync(key);
    }

    public async ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        await ReadAsync(job, row => Task.WhenAll(
            Enumerable.Range(from, Math.Clamp(row.Pages - from, 0, max))
                .Select(number => _parts.ReadPageAsync(job, number, withArgs))));

    public async ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        await ReadAsync(job, async row =>
        {
            int count = Math.Clamp(row.Records - from, 0, max);
            if (count == 0) return [];
            int first = from / JobParts.RecordsPerSegment, last = (from + count - 1) / JobParts.RecordsPerSegment;
            int full = row.Records / JobParts.RecordsPerSegment;
            IReadOnlyList<RecordParts>[] segments = await Task.WhenAll(
                Enumerable.Range(first, last - first + 1).Select(async segment =>
                    segment < full ? await _parts.ReadSegmentAsync(job, segment) : row.Tail));
            return await Task.WhenAll(Enumerable.Range(from, count).Select(number => _parts.ReadRecordAsync(
                job, number,
                segments[(number / JobParts.RecordsPerSegment) - first][number % JobParts.RecordsPerSegment],
                withValues)));
        });

    public async ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation)
    {
        await _publishing;
        return await _lists.NewestAsync(query);
    }

    public async ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation)
    {
        await _publishing;
        return await _lists.LiveAsync(after, max);
    }

    public async ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(
        DateTimeOffset now, int max, CancellationToken cancellation)
    {
        await _publishing;
        return await _lists.ExpiredAsync(now, max);
    }

    public async ValueTask<IReadOnlyList<JobId>> ListDueAsync(
        DateTimeOffset now, int max, CancellationToken cancellation)
    {
        await _publishing;
        return await _lists.DueAsync(now, max);
    }

    public async ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation)
    {
        bool[] kept = await Task.WhenAll(held.Select(job => TryPostponeAsync(job, dueAt.UtcTicks)));
        return [.. held.Where((_, i) => !kept[i]).Select(job => job.Job)];
    }

    public async ValueTask<IReadOnlyList<JobId>> ListStagedAsync(
        DateTimeOffset now, int max, CancellationToken cancellation)
    {
        await _publishing;
        return await _lists.StagedAsync(now, max);
    }

    public async ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        return await new JobRemoval(_rows, _keys, _index, _parts).RunAsync(job, maxRows);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<T[]> ReadAsync<T>(JobId job, Func<JobRow, Task<T[]>> read)
    {
        await _publishing;
        if ((await _rows.ReadAsync(job)).Job is not { IsRemoved: false } row) return [];
        try
        {
            return await read(row);
        }
        catch (StoreException e) when (e.Fault == StoreFault.Corrupt)
        {
            // What the row counted is gone: with the job, or it is damage.
            if ((await _rows.ReadAsync(job)).Job is not { IsRemoved: false }) return [];
            throw;
        }
    }

    // By what this process last wrote, mostly: a conflict tells when that is not true any more.
    private async Task<bool> TryPostponeAsync(HeldJob job, long dueAt)
    {
        bool isCached = _rows.TryGetCached(job.Job, out HeldRow held);
        for (int attempt = 0; ; attempt++)
        {
            if (!isCached) held = await _rows.ReadAsync(job.Job);
            if (held.Job is { IsRemoved: false } row && row.Epoch == job.Epoch)
            {
                if (row.Phase != JobPhase.Live) return true;
                var change = new RowChange(job.Job, held) { After = row with { DueAt = dueAt } };
                if (await _index.TryChangeAsync(change, raises: true)) return true;
            }
            else if (!isCached)
            {
                return false;
            }
            isCached = false;
            await StateStorage.PauseAsync(attempt, JobRows.Key(job.Job));
        }
    }
}
