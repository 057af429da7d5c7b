using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// One group of writes. Each job's writes of the group are one write of its row. Whoever finds that a row has changed
/// looks at it again and decides anew; the others are not touched by that. When the provider fails, the group can be
/// run again: it knows the rows that it has written, also those whose answer was lost.
/// </summary>
internal sealed class CommitGroup(
    IReadOnlyList<JobWrite> writes, StateStorage storage, JobRows rows, JobKeys keys, JobIndex index)
{
    private readonly JobWrite[] _writes = [.. writes];
    private readonly WriteResult[] _results = new WriteResult[writes.Count];
    private readonly Dictionary<string, JobId> _taken = [];
    private readonly JobParts _parts = new(storage);
    private IReadOnlyList<JobChange>? _pending;

    /// <summary>Whether it is the group of these writes.</summary>
    public bool IsOf(IReadOnlyList<JobWrite> others) => _writes.SequenceEqual(others);

    /// <summary>Writes them, or what of them is not written yet.</summary>
    /// <param name="publishing">Called before rows are written.</param>
    /// <exception cref="StoreException">If it is transient, it is to be run again: some may be written.</exception>
    public async Task<WriteResult[]> RunAsync(Action publishing)
    {
        _pending ??= [.. _writes.Select((write, i) => (write, i)).GroupBy(w => w.write.Job).Select(Cached)];
        try
        {
            for (int attempt = 0; _pending.Count > 0; attempt++)
            {
                if (attempt > 0) await StateStorage.PauseAsync(attempt - 1, JobRows.Key(_pending[0].Job));
                _pending = await PassAsync(_pending, publishing);
            }
            return _results;
        }
        catch (StoreException e) when (e.IsTransient)
        {
            _pending = [.. _pending.Where(change => !change.IsWritten)];
            foreach (JobChange change in _pending) change.IsLoaded = false;
            throw;
        }
    }

    // Returns those that have to look again.
    private async Task<IReadOnlyList<JobChange>> PassAsync(IReadOnlyList<JobChange> pending, Action publishing)
    {
        await Task.WhenAll(pending.Where(change => !change.IsLoaded).Select(LoadAsync));
        pending = [.. pending.Where(change => !change.IsWritten)];
        await DecideAsync(pending);
        List<JobChange> again = [.. pending.Where(change => change.MustReload)];
        List<JobChange> going = [.. pending.Where(change => !change.MustReload && change.IsChange)];
        await Task.WhenAll(index.PrepareAsync(going), Task.WhenAll(going.Select(WritePartsAsync)));
        again.AddRange(going.Where(change => change.MustReload));
        going.RemoveAll(change => change.MustReload);
        if (going.Count > 0) publishing();
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
        change.IsWritten = change.Held.Row?.Nonce == change.Nonce;
    }

    private async Task DecideAsync(IReadOnlyList<JobChange> pending)
    {
        foreach (JobChange change in pending) change.Begin();
        foreach ((JobChange change, int i) in pending.SelectMany(c => c.Writes, (c, i) => (c, i)).OrderBy(w => w.i))
        {
            if (change.MustReload) continue;
            JobWrite write = _writes[i];
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

    private async Task WriteRowAsync(JobChange change)
    {
        change.IsWritten =
            await rows.TryWriteAsync(change.Job, change.After!, change.Held.ETag, change.Nonce) is not null;
        change.MustReload = !change.IsWritten;
    }

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
