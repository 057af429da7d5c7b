using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>Finds jobs: candidates by the index, and each is checked against its row.</summary>
internal sealed class JobLists(JobIndex index, JobRows rows, TimeProvider time)
{
    private const int RowsAtOnce = 64;

    public async Task<IReadOnlyList<StoredJob>> NewestAsync(JobQuery query)
    {
        long before = query.Before?.Value ?? long.MaxValue;
        var open = new Queue<FoundEntry>((await index[IndexKind.Open].AllAsync())
            .Where(found => found.Entry.Job.Value < before && found.Entry.Tag == (byte)JobPhase.Live)
            .OrderByDescending(found => found.Entry.Job));
        var jobs = new List<StoredJob>();
        List<JobId> candidates = [];
        await foreach (FoundEntry ended in index[IndexKind.Ended].NewestAsync(before))
        {
            while (open.TryPeek(out FoundEntry newer) && newer.Entry.Job > ended.Entry.Job)
                Add(open.Dequeue().Entry.Job);
            if (query.State is null || (byte)query.State == ended.Entry.Tag) Add(ended.Entry.Job);
            if (candidates.Count >= RowsAtOnce) await TakeAsync();
            if (jobs.Count >= query.Max) break;
        }
        while (jobs.Count < query.Max && open.Count > 0)
        {
            Add(open.Dequeue().Entry.Job);
            if (candidates.Count >= RowsAtOnce) await TakeAsync();
        }
        await TakeAsync();
        return jobs.Count <= query.Max ? jobs : jobs[..query.Max];

        // A job on its way from one tree to the other is in both.
        void Add(JobId job)
        {
            if ((candidates.Count == 0 ? jobs.LastOrDefault()?.Job : candidates[^1]) != job) candidates.Add(job);
        }

        async Task TakeAsync()
        {
            foreach ((JobId job, HeldRow held) in await ReadAsync(candidates, job => job))
                if (held.Job is { IsVisible: true } row && (query.State ?? row.State) == row.State)
                    jobs.Add(row.ToStored(job));
            candidates.Clear();
        }
    }

    public Task<IReadOnlyList<JobId>> LiveAsync(JobId after, int max) => FindAsync(
        IndexKind.Open, max,
        entry => entry.Tag == (byte)JobPhase.Live && entry.Job > after ? entry.Job.Value : null,
        (job, row) => row is { Phase: JobPhase.Live, IsRemoved: false } ? job.Value : null);

    public Task<IReadOnlyList<JobId>> DueAsync(DateTimeOffset now, int max) => FindAsync(
        IndexKind.Open, max,
        entry => entry.Tag == (byte)JobPhase.Live && entry.At <= now.UtcTicks ? entry.At : null,
        (_, row) => row is { Phase: JobPhase.Live, IsRemoved: false } && row.DueAt <= now.UtcTicks ? row.DueAt : null);

    public Task<IReadOnlyList<JobId>> ExpiredAsync(DateTimeOffset now, int max) => FindAsync(
        IndexKind.Ended, max,
        entry => entry.At <= now.UtcTicks ? entry.At : null,
        (_, row) => row.Phase == JobPhase.Finished && row.ExpiresAt <= now.UtcTicks ? row.ExpiresAt : null);

    public Task<IReadOnlyList<JobId>> StagedAsync(DateTimeOffset now, int max) => FindAsync(
        IndexKind.Open, max,
        entry => entry.Tag == (byte)JobPhase.Staged && entry.At <= now.UtcTicks ? entry.Job.Value : null,
        (job, row) => row.Phase == JobPhase.Staged && !(row.DueAt > now.UtcTicks) ? job.Value : null);

    // The order is by what a row says; an entry says the same or less, so it can stop once no entry left may come
    // before what was found.
    private async Task<IReadOnlyList<JobId>> FindAsync(
        IndexKind kind, int max, Func<IndexEntry, long?> ofEntry, Func<JobId, JobRow, long?> ofRow)
    {
        long now = time.GetUtcNow().UtcTicks;
        List<(long Order, FoundEntry Found)> candidates = [.. (await index[kind].AllAsync())
            .Select(found => (Order: ofEntry(found.Entry), found))
            .Where(candidate => candidate.Order is not null)
            .Select(candidate => (candidate.Order!.Value, candidate.found))
            .OrderBy(candidate => candidate.Value).ThenBy(candidate => candidate.found.Entry.Job)];
        var jobs = new SortedSet<(long Order, JobId Job)>();
        for (int i = 0; i < candidates.Count; i += RowsAtOnce)
        {
            if (jobs.Count >= max && jobs.ElementAt(max - 1).Order < candidates[i].Order) break;
            foreach ((FoundEntry found, HeldRow held) in await ReadAsync(
                candidates[i..Math.Min(i + RowsAtOnce, candidates.Count)].ConvertAll(candidate => candidate.Found),
                found => found.Entry.Job))
            {
                if (held.Job is { } row && ofRow(found.Entry.Job, row) is { } order)
                    jobs.Add((order, found.Entry.Job));
                else
                    await index.MendAsync(kind, found, held, now);
            }
        }
        return [.. jobs.Take(max).Select(job => job.Job)];
    }

    private async Task<(T, HeldRow)[]> ReadAsync<T>(IReadOnlyList<T> items, Func<T, JobId> job) =>
        await Task.WhenAll(items.Select(async item => (item, await rows.ReadAsync(job(item)))));
}
