using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// One group of writes. Each job's writes of the group are one write of its row. Whoever finds that a row has changed
/// looks at it again and decides anew; the others are not touched by that.
/// </summary>
internal sealed class CommitGroup(
    IReadOnlyList<JobWrite> writes, StateStorage storage, JobRows rows, JobKeys keys, JobIndex index)
{
    private readonly WriteResult[] _results = new WriteResult[writes.Count];
    private readonly Dictionary<string, JobId> _taken = [];
    private readonly JobParts _parts = new(storage);
    private bool _isPublished;

    /// <summary>Writes them.</summary>
    /// <param name="publishing">Called before the first row is written.</param>
    /// <exception cref="StoreException">Nothing was written, or it is unknown what was.</exception>
    public async Task<WriteResult[]> RunAsync(Action publishing)
    {
        try
        {
            IReadOnlyList<JobChange> pending =
                [.. writes.Select((write, i) => (write, i)).GroupBy(w => w.write.Job).Select(Cached)];
            for (int attempt = 0; pending.Count > 0; attempt++)
            {
                if (attempt > 0) await StateStorage.PauseAsync(attempt - 1, JobRows.Key(pending[0].Job));
                pending = await PassAsync(pending, publishing);
            }
            return _results;
        }
        catch (StoreException e) when (_isPublished && e.IsTransient)
        {
            foreach (JobWrite write in writes) rows.Forget(write.Job);
            throw new StoreException(StoreFault.Unknown, e.Message, e);
        }
    }

    // Returns those that have to look again.
    private async Task<IReadOnlyList<JobChange>> PassAsync(IReadOnlyList<JobChange> pending, Action publishing)
    {
        await Task.WhenAll(pending.Where(change => !change.IsLoaded).Select(LoadAsync));
        await DecideAsync(pending);
        List<JobChange> again = [.. pending.Where(change => change.MustReload)];
        List<JobChange> going = [.. pending.Where(change => !change.MustReload && change.IsChange)];
        await Task.WhenAll(index.PrepareAsync(going), Task.WhenAll(going.Select(WritePartsAsync)));
        again.AddRange(going.Where(change => change.MustReload));
        going.RemoveAll(change => change.MustReload);
        if (going.Count > 0)
        {
            publishing();
            _isPublished = true;
        }
        await Task.WhenAll(going.Select(WriteRowAsync));
        again.AddRange(going.Where(change => change.MustReload));
        going.RemoveAll(change => change.MustReload);
        await SettleAsync(going);
        foreach (JobChange change in again) change.IsLoaded = false;
        return again;
    }

    private JobChange Cached(IGrouping<JobId, (JobWrite Write, int Index)> job)
    {
        bool isCached = rows.TryGetCached(job.Key, out HeldRow held);
        // A new one is taken for new: that is known by the conflict, if it is not.
        bool isNew = job.First().Write.Header is not null;
        return new JobChange(job.Key, held, [.. job.Select(w => w.Index)])
        {
            IsLoaded = isCached || isNew,
            IsCached = isCached || isNew,
        };
    }

    private async Task LoadAsync(JobChange change)
    {
        change.Held = await rows.ReadAsync(change.Job);
        (change.IsLoaded, change.IsCached) = (true, false);
    }

    private async Task DecideAsync(IReadOnlyList<JobChange> pending)
    {
        foreach (JobChange change in pending) change.Begin();
        foreach ((JobChange change, int i) in pending.SelectMany(c => c.Writes, (c, i) => (c, i)).OrderBy(w => w.i))
        {
            if (change.MustReload) continue;
            JobWrite write = writes[i];
            _results[i] = change.Check(write);
            if (_results[i] == WriteResult.Written && write.Key is { } key && change.After?.Key != key)
            {
                if (!await TryTakeAsync(key, write.Job)) _results[i] = WriteResult.KeyTaken;
            }
            if (_results[i] == WriteResult.Written) change.Apply(write);
            // Nobody is refused by what may not be true any more.
            else if (change.IsCached) change.MustReload = true;
        }
    }

    private async Task<bool> TryTakeAsync(string key, JobId job)
    {
        if (_taken.TryGetValue(key, out JobId holder) && holder != job) return false;
        if (!await keys.TryTakeAsync(key, job)) return false;
        _taken[key] = job;
        return true;
    }

    private async Task WritePartsAsync(JobChange change)
    {
        bool[] written = await Task.WhenAll(change.Parts.Select(state =>
            _parts.TryWriteAsync(state, async () => (await rows.ReadAsync(change.Job)).ETag == change.Held.ETag)));
        if (written.Contains(false)) change.MustReload = true;
    }

    private async Task WriteRowAsync(JobChange change) =>
        change.MustReload = await rows.TryWriteAsync(change.Job, change.After!, change.Held.ETag) is null;

    private async Task SettleAsync(List<JobChange> written)
    {
        try
        {
            await index.SettleAsync(written.Select(change => (change.Held.Row?.Place, (RowChange)change)));
        }
        catch (StoreException)
        {
            // The entries say more than they have to; whoever meets them mends them.
        }
    }
}
