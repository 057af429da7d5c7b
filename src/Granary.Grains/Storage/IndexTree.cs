using System.Collections.Concurrent;
using Granary.Persistence;

namespace Granary.Grains;

/// <summary>An entry on its way into a tree, and where it came to be.</summary>
internal sealed class Placing(IndexEntry entry, int depth = Placing.Anywhere)
{
    public const int Anywhere = -1;

    public IndexEntry Entry { get; } = entry;

    public int Depth { get; set; } = depth;
}

/// <summary>A change of the entry that a job has at a depth, if it has this stamp. A null entry removes it.</summary>
internal readonly record struct EntryChange(JobId Job, int Depth, uint Stamp, IndexEntry? Entry);

/// <summary>An entry and where it is.</summary>
internal readonly record struct FoundEntry(IndexEntry Entry, int Depth);

/// <summary>
/// An index of jobs in pages of bounded size, ordered by id and so by time. An entry is in the first page with room on
/// the way from the root: pages branch by the next four bits of the id, so a few jobs are one page and many spread by
/// their time. Pages are written by their ETag, with as many entries at once as there are. A page below is announced
/// by the one above it before it is written, so none is ever out of sight.
/// </summary>
internal sealed class IndexTree(StateStorage storage, string name)
{
    private const int BitsPerLevel = 4;
    private const int Levels = 64 / BitsPerLevel;

    /// <summary>Pages kept in memory, to write them without reading them first.</summary>
    private const int MaxCached = 1_024;

    private readonly ConcurrentDictionary<string, (IndexNode Node, string? ETag)> _cache = new();

    /// <summary>Puts entries where they have their place already, or else where there is room.</summary>
    public async Task PutAsync(IReadOnlyList<Placing> placings)
    {
        var lost = new ConcurrentBag<Placing>();
        await Task.WhenAll(placings.Where(p => p.Depth != Placing.Anywhere)
            .GroupBy(p => (p.Depth, Prefix(p.Entry.Job, p.Depth)))
            .Select(async page =>
            {
                foreach (Placing placing in await PutAsync(page.Key.Depth, page.Key.Item2, [.. page], false))
                    lost.Add(placing);
            }));
        List<Placing> rest = [.. placings.Where(p => p.Depth == Placing.Anywhere), .. lost];
        if (rest.Count > 0) await PutBelowAsync(0, 0, rest);
    }

    /// <summary>Changes entries, those whose stamps are still the same.</summary>
    public Task ChangeAsync(IEnumerable<EntryChange> changes) => Task.WhenAll(
        changes.GroupBy(c => (c.Depth, Prefix(c.Job, c.Depth)))
            .Select(page => ChangeAsync(Key(page.Key.Depth, page.Key.Item2), [.. page])));

    /// <summary>Every entry, in no order.</summary>
    public async Task<IReadOnlyCollection<FoundEntry>> AllAsync()
    {
        var found = new ConcurrentBag<FoundEntry>();
        await CollectAsync(0, 0, found);
        return found;
    }

    /// <summary>The entries of jobs before this one, the newest first; reads no more pages than it has to.</summary>
    public IAsyncEnumerable<FoundEntry> NewestAsync(long before) => NewestAsync(0, 0, [], before);

    private async IAsyncEnumerable<FoundEntry> NewestAsync(
        int depth, ulong prefix, List<FoundEntry> above, long before)
    {
        IndexNode node = await ReadAsync(Key(depth, prefix));
        above.AddRange(node.Entries.Select(entry => new FoundEntry(entry, depth)));
        for (int child = 15; child >= 0; child--)
        {
            ulong below = (prefix << BitsPerLevel) | (uint)child;
            if (depth < Levels && First(below, depth + 1) >= before) continue;
            List<FoundEntry> own = [.. above.Where(found => depth == Levels || Child(found.Entry.Job, depth) == child)];
            if (depth < Levels && (node.Children & (1 << child)) != 0)
            {
                await foreach (FoundEntry found in NewestAsync(depth + 1, below, own, before)) yield return found;
                continue;
            }
            foreach (FoundEntry found in own.OrderByDescending(found => found.Entry.Job))
                if (found.Entry.Job.Value < before) yield return found;
            if (depth == Levels) yield break;
        }
    }

    private async Task CollectAsync(int depth, ulong prefix, ConcurrentBag<FoundEntry> found)
    {
        IndexNode node = await ReadAsync(Key(depth, prefix));
        foreach (IndexEntry entry in node.Entries) found.Add(new FoundEntry(entry, depth));
        await Task.WhenAll(Enumerable.Range(0, 16).Where(child => (node.Children & (1 << child)) != 0)
            .Select(child => CollectAsync(depth + 1, (prefix << BitsPerLevel) | (uint)child, found)));
    }

    private async Task PutBelowAsync(int depth, ulong prefix, List<Placing> placings)
    {
        List<Placing> rest = await PutAsync(depth, prefix, placings, true);
        await Task.WhenAll(rest.GroupBy(p => Child(p.Entry.Job, depth)).Select(below =>
            PutBelowAsync(depth + 1, (prefix << BitsPerLevel) | (uint)below.Key, [.. below])));
    }

    // Those that found no room; with branching, the pages for them are announced.
    private async Task<List<Placing>> PutAsync(int depth, ulong prefix, List<Placing> placings, bool branch)
    {
        List<Placing> rest = [];
        await UpdateAsync(Key(depth, prefix), node =>
        {
            rest.Clear();
            List<IndexEntry> entries = [.. node.Entries];
            Dictionary<JobId, int> places = [];
            for (int i = 0; i < entries.Count; i++) places[entries[i].Job] = i;
            ushort children = node.Children;
            foreach (Placing placing in placings)
            {
                if (places.TryGetValue(placing.Entry.Job, out int at)) entries[at] = placing.Entry;
                else if (branch && (entries.Count < IndexNode.Capacity || depth == Levels)) entries.Add(placing.Entry);
                else
                {
                    rest.Add(placing);
                    if (branch) children |= (ushort)(1 << Child(placing.Entry.Job, depth));
                }
            }
            return rest.Count == placings.Count && children == node.Children ? null : new IndexNode(entries, children);
        });
        foreach (Placing placing in placings.Except(rest)) placing.Depth = depth;
        return rest;
    }

    private Task ChangeAsync(string key, EntryChange[] changes)
    {
        Dictionary<JobId, EntryChange> byJob = [];
        foreach (EntryChange change in changes) byJob[change.Job] = change;
        return UpdateAsync(key, node =>
        {
            bool changed = false;
            var entries = new List<IndexEntry>(node.Entries.Count);
            foreach (IndexEntry entry in node.Entries)
            {
                if (!byJob.TryGetValue(entry.Job, out EntryChange change) || change.Stamp != entry.Stamp
                    || change.Entry == entry)
                {
                    entries.Add(entry);
                    continue;
                }
                changed = true;
                if (change.Entry is { } changedTo) entries.Add(changedTo);
            }
            return changed ? new IndexNode(entries, node.Children) : null;
        });
    }

    // A change of null leaves the page as it is; that is decided on what is stored, or on pages that only ever grow.
    private async Task UpdateAsync(string key, Func<IndexNode, IndexNode?> change)
    {
        bool isCached = _cache.TryGetValue(key, out (IndexNode Node, string? ETag) held);
        for (int attempt = 0; ; attempt++)
        {
            if (!isCached) held = await LoadAsync(key);
            if (change(held.Node) is { } changed)
            {
                (bool isWritten, string? etag) = await storage.TryWriteAsync(key, changed.Write(), held.ETag);
                if (isWritten)
                {
                    Keep(key, (changed, etag));
                    return;
                }
                await StateStorage.PauseAsync(attempt, key);
            }
            else if (!isCached)
            {
                return;
            }
            isCached = false;
        }
    }

    private async Task<IndexNode> ReadAsync(string key) => (await LoadAsync(key)).Node;

    private async Task<(IndexNode Node, string? ETag)> LoadAsync(string key)
    {
        StoredState state = await storage.ReadAsync(key);
        (IndexNode, string?) held = (state.Content is { } c ? IndexNode.Read(c.Span) : IndexNode.Empty, state.ETag);
        Keep(key, held);
        return held;
    }

    private void Keep(string key, (IndexNode, string?) held)
    {
        if (_cache.Count >= MaxCached) _cache.Clear();
        _cache[key] = held;
    }

    private string Key(int depth, ulong prefix) => FormattableString.Invariant($"{name}-{depth}-{prefix:x}");

    private static ulong Prefix(JobId job, int depth) =>
        depth == 0 ? 0 : (ulong)job.Value >> (64 - (BitsPerLevel * depth));

    private static int Child(JobId job, int depth) => (int)Prefix(job, depth + 1) & 15;

    private static long First(ulong prefix, int depth) => (long)(prefix << (64 - (BitsPerLevel * depth)));
}
