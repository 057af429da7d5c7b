using Granary.Engines;

namespace Granary.Stores;

/// <summary>Keeps jobs in memory: for tests, and for work that need not survive the process. Disposing it keeps what
/// it holds, so an engine can be started on it again.</summary>
public sealed class MemoryJobStore : IJobStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<JobId, Entry> _jobs = [];
    private readonly SortedSet<JobId> _order = [];
    private readonly SortedSet<JobId> _live = [];
    private readonly SortedSet<JobId> _staged = [];
    private readonly SortedSet<(DateTimeOffset At, JobId Job)> _expiring = [];
    private readonly SortedSet<(DateTimeOffset At, JobId Job)> _due = [];
    private readonly Dictionary<string, JobId> _keys = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var results = new WriteResult[writes.Count];
        lock (_gate)
        {
            for (int i = 0; i < results.Length; i++) results[i] = Write(writes[i]);
        }
        return ValueTask.FromResult(results);
    }

    /// <inheritdoc/>
    public ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (Visible(job) is not { } entry) return ValueTask.FromResult<StoredJob?>(null);
            entry.Epoch++;
            return ValueTask.FromResult<StoredJob?>(Row(job, entry));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation)
    {
        lock (_gate) return ValueTask.FromResult(Visible(job) is { } entry ? Row(job, entry) : null);
    }

    /// <inheritdoc/>
    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation)
    {
        lock (_gate) return ValueTask.FromResult(_keys.TryGetValue(key, out JobId job) ? job : (JobId?)null);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!_jobs.TryGetValue(job, out Entry? entry)) return List<StoredPage>([]);
            List<StoredPage> pages = Slice(entry.Pages, from, max);
            return List(withArgs ? pages : pages.Select(p => p with { Args = default }));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!_jobs.TryGetValue(job, out Entry? entry)) return List<StoredRecord>([]);
            List<StoredRecord> records = Slice(entry.Records, from, max);
            return List(withValues ? records : records.Select(r => r with { Values = default }));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation)
    {
        long newest = (query.Before?.Value ?? long.MaxValue) - 1;
        lock (_gate)
        {
            return List(Between(_order, long.MinValue, newest).Reverse()
                .Select(id => (Id: id, Entry: _jobs[id]))
                .Where(job => job.Entry.Phase != JobPhase.Staged && (query.State ?? job.Entry.State) == job.Entry.State)
                .Take(query.Max)
                .Select(job => Row(job.Id, job.Entry)));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation)
    {
        lock (_gate)
        {
            return List(after.Value == long.MaxValue ? [] : Between(_live, after.Value + 1, long.MaxValue).Take(max));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(DateTimeOffset now, int max, CancellationToken cancellation)
    {
        lock (_gate) return List(_expiring.TakeWhile(job => job.At <= now).Take(max).Select(job => job.Job));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(DateTimeOffset now, int max, CancellationToken cancellation)
    {
        lock (_gate) return List(_due.TakeWhile(job => job.At <= now).Take(max).Select(job => job.Job));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation)
    {
        lock (_gate) return List(held.Where(job => !Postpone(job, dueAt)).Select(job => job.Job));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(DateTimeOffset now, int max, CancellationToken cancellation)
    {
        lock (_gate) return List(_staged.Where(job => !(_jobs[job].DueAt > now)).Take(max));
    }

    /// <inheritdoc/>
    public ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        lock (_gate)
        {
            if (_jobs.TryGetValue(job, out Entry? entry) && entry.Phase != JobPhase.Live)
            {
                _jobs.Remove(job);
                Unlist(job, entry);
                _order.Remove(job);
                if (entry.Key is not null) _keys.Remove(entry.Key);
            }
        }
        return ValueTask.FromResult(true);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private WriteResult Write(JobWrite write)
    {
        Entry? entry = _jobs.GetValueOrDefault(write.Job);
        if (write.Header is not null)
        {
            if (write.Epoch != 1 || !write.Follows(0, 0)) return WriteResult.Fenced;
            if (entry is not null) return WriteResult.IdTaken;
        }
        else if (entry?.Epoch != write.Epoch || !write.Follows(entry.Pages.Count, entry.Records.Count))
        {
            return WriteResult.Fenced;
        }
        if (write.Key is not null && _keys.TryGetValue(write.Key, out JobId holder) && holder != write.Job)
            return WriteResult.KeyTaken;

        Apply(write, entry ?? Add(write));
        return WriteResult.Written;
    }

    private Entry Add(JobWrite write)
    {
        var entry = new Entry { Header = write.Header!.Value };
        _jobs.Add(write.Job, entry);
        _order.Add(write.Job);
        return entry;
    }

    private void Apply(JobWrite write, Entry entry)
    {
        Unlist(write.Job, entry);
        entry.Phase = write.Phase;
        entry.State = write.State;
        entry.ExpiresAt = write.ExpiresAt;
        entry.DueAt = write.DueAt;
        entry.Summary = write.Summary;
        Enlist(write.Job, entry);
        if (write.Key is not null) _keys[entry.Key = write.Key] = write.Job;
        entry.Pages.AddRange(write.Pages);
        if (write.Record is { } record) entry.Records.Add(record);
    }

    private bool Postpone(HeldJob held, DateTimeOffset dueAt)
    {
        if (!_jobs.TryGetValue(held.Job, out Entry? entry) || entry.Epoch != held.Epoch) return false;
        if (entry.Phase != JobPhase.Live) return true;
        Unlist(held.Job, entry);
        entry.DueAt = dueAt;
        Enlist(held.Job, entry);
        return true;
    }

    private void Enlist(JobId job, Entry entry)
    {
        if (entry.Phase == JobPhase.Live) _live.Add(job);
        if (entry.Phase == JobPhase.Staged) _staged.Add(job);
        if (entry.ExpiresAt is { } at) _expiring.Add((at, job));
        if (entry is { Phase: JobPhase.Live, DueAt: { } due }) _due.Add((due, job));
    }

    private void Unlist(JobId job, Entry entry)
    {
        if (entry.Phase == JobPhase.Live) _live.Remove(job);
        if (entry.Phase == JobPhase.Staged) _staged.Remove(job);
        if (entry.ExpiresAt is { } at) _expiring.Remove((at, job));
        if (entry.DueAt is { } due) _due.Remove((due, job));
    }

    private Entry? Visible(JobId job) =>
        _jobs.TryGetValue(job, out Entry? entry) && entry.Phase != JobPhase.Staged ? entry : null;

    private static StoredJob Row(JobId job, Entry entry) =>
        new(job, entry.Epoch, entry.Phase, entry.Header, entry.Summary);

    private static SortedSet<JobId> Between(SortedSet<JobId> ids, long from, long to) =>
        from > to ? [] : ids.GetViewBetween(new JobId(from), new JobId(to));

    private static List<T> Slice<T>(List<T> rows, int from, int max) =>
        rows.GetRange(Math.Min(from, rows.Count), Math.Clamp(rows.Count - from, 0, max));

    private static ValueTask<IReadOnlyList<T>> List<T>(IEnumerable<T> rows) =>
        ValueTask.FromResult<IReadOnlyList<T>>(rows.ToArray());

    private sealed class Entry
    {
        public long Epoch { get; set; } = 1;

        public JobPhase Phase { get; set; }

        public JobState State { get; set; }

        public string? Key { get; set; }

        public DateTimeOffset? ExpiresAt { get; set; }

        public DateTimeOffset? DueAt { get; set; }

        public required ReadOnlyMemory<byte> Header { get; init; }

        public ReadOnlyMemory<byte> Summary { get; set; }

        public List<StoredPage> Pages { get; } = [];

        public List<StoredRecord> Records { get; } = [];
    }
}
