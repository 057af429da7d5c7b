using Granary.Engines;
using Granary.Simulation.Checks;
using Granary.Stores;

namespace Granary.Simulation.Worlds;

/// <summary>What is on the disk of a history: every process sees the same. Applies writes as a store must, and shows
/// each durable
/// record to the audit.</summary>
internal sealed class SimStore(PlantedBug planted)
{
    private readonly SortedDictionary<JobId, Entry> _jobs = [];
    private readonly Dictionary<string, JobId> _keys = new(StringComparer.Ordinal);
    private readonly Tampering _tampering = new(planted);

    /// <summary>Told of everything that has become durable.</summary>
    public required Action<JobWrite, string?> OnDurable { get; init; }

    public WriteResult[] Commit(IReadOnlyList<JobWrite> writes)
    {
        var results = new WriteResult[writes.Count];
        for (int i = 0; i < results.Length; i++) results[i] = Write(writes[i]);
        return results;
    }

    public StoredJob? Acquire(JobId job)
    {
        if (Visible(job) is not { } entry) return null;
        entry.Epoch++;
        return Row(job, entry);
    }

    public StoredJob? Load(JobId job) => Visible(job) is { } entry ? Row(job, entry) : null;

    public JobId? Find(string key) =>
        planted != PlantedBug.SubmitKeyIgnored && _keys.TryGetValue(key, out JobId job) ? job : null;

    public IReadOnlyList<StoredPage> ReadPages(JobId job, int from, int max, bool withArgs)
    {
        if (!_jobs.TryGetValue(job, out Entry? entry) || from >= entry.Pages.Count) return [];
        List<StoredPage> pages = entry.Pages.GetRange(from, Math.Min(max, entry.Pages.Count - from));
        return withArgs ? pages : pages.ConvertAll(page => page with { Args = default });
    }

    public IReadOnlyList<StoredRecord> ReadRecords(JobId job, int from, int max, bool withValues)
    {
        if (!_jobs.TryGetValue(job, out Entry? entry) || from >= entry.Records.Count) return [];
        List<StoredRecord> records = entry.Records.GetRange(from, Math.Min(max, entry.Records.Count - from));
        return withValues ? records : records.ConvertAll(record => record with { Values = default });
    }

    public IReadOnlyList<StoredJob> List(JobQuery query) =>
    [
        .. _jobs.Reverse().Where(job => job.Value.Phase != JobPhase.Staged && !(job.Key >= query.Before))
            .Where(job => query.State is null || query.State == job.Value.State)
            .Take(query.Max).Select(job => Row(job.Key, job.Value)),
    ];

    public List<JobId> ListLive(JobId after, int max)
    {
        var live = new List<JobId>();
        foreach ((JobId job, Entry entry) in _jobs)
            if (job > after && entry.Phase == JobPhase.Live && live.Count < max) live.Add(job);
        return live;
    }

    public List<JobId> ListExpired(DateTimeOffset now, int max) =>
        [.. _jobs.Where(job => job.Value.ExpiresAt <= now).Take(max).Select(job => job.Key)];

    public List<JobId> ListDue(DateTimeOffset now, int max) =>
    [
        .. _jobs.Where(job => job.Value.Phase == JobPhase.Live && job.Value.DueAt <= now)
            .OrderBy(job => job.Value.DueAt).Take(max).Select(job => job.Key),
    ];

    public List<JobId> Postpone(IReadOnlyList<HeldJob> held, DateTimeOffset dueAt)
    {
        var lost = new List<JobId>();
        foreach ((JobId job, long epoch) in held)
        {
            if (_jobs.GetValueOrDefault(job) is not { } entry || entry.Epoch != epoch) lost.Add(job);
            else if (entry.Phase == JobPhase.Live) entry.DueAt = dueAt;
        }
        return lost;
    }

    public List<JobId> ListStaged(DateTimeOffset now, int max)
    {
        var staged = new List<JobId>();
        foreach ((JobId job, Entry entry) in _jobs)
            if (entry.Phase == JobPhase.Staged && !(entry.DueAt > now) && staged.Count < max) staged.Add(job);
        return staged;
    }

    public void Remove(JobId job)
    {
        if (!_jobs.TryGetValue(job, out Entry? entry) || entry.Phase == JobPhase.Live) return;
        _jobs.Remove(job);
        if (entry.Key is { } key) _keys.Remove(key);
    }

    private WriteResult Write(JobWrite write)
    {
        Entry? entry = _jobs.GetValueOrDefault(write.Job);
        if (planted == PlantedBug.NoFencing && write.Header is null && entry is not null)
        {
            // Whatever comes is appended.
        }
        else if (write.Header is not null)
        {
            if (write.Epoch != 1 || !write.Follows(0, 0)) return WriteResult.Fenced;
            if (entry is not null) return WriteResult.IdTaken;
        }
        else if (entry?.Epoch != write.Epoch || !write.Follows(entry.Pages.Count, entry.Records.Count))
        {
            return WriteResult.Fenced;
        }
        bool taken = write.Key is not null && _keys.TryGetValue(write.Key, out JobId holder) && holder != write.Job;
        if (taken && planted != PlantedBug.SubmitKeyIgnored) return WriteResult.KeyTaken;
        if (_tampering.Loses(write)) return WriteResult.Written;
        if (entry is null) _jobs.Add(write.Job, entry = new Entry { Header = write.Header!.Value });
        Apply(write, entry);
        return WriteResult.Written;
    }

    private void Apply(JobWrite write, Entry entry)
    {
        entry.Phase = write.Phase;
        entry.State = write.State;
        entry.ExpiresAt = write.ExpiresAt;
        entry.DueAt = write.DueAt;
        entry.Summary = write.Summary;
        if (write.Key is not null) _keys[entry.Key = write.Key] = write.Job;
        entry.Pages.AddRange(write.Pages);
        if (write.Record is { } record) entry.Records.Add(_tampering.Change(write.Job, record, entry.Records));
        OnDurable(write, entry.Key);
    }

    private Entry? Visible(JobId job) =>
        _jobs.TryGetValue(job, out Entry? entry) && entry.Phase != JobPhase.Staged ? entry : null;

    private static StoredJob Row(JobId job, Entry entry) =>
        new(job, entry.Epoch, entry.Phase, entry.Header, entry.Summary);

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
