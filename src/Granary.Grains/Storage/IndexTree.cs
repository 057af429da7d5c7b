using System.Collections.Concurrent;

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
/// their time.
/// </summary>
internal sealed class IndexTree(StateStorage storage, string name, TimeProvider time)
{
    private readonly IndexPages _pages = new(storage, name, time);

    /// <summary>Puts entries where they have their place already, or else where there is room.</summary>
    public async Task PutAsync(IReadOnlyList<Placing> placings)
    {
        var lost = new ConcurrentBag<Placing>();
        await Task.WhenAll(placings.Where(p => p.Depth != Placing.Anywhere)
            .GroupBy(p => PageName.Of(p.Entry.Job, p.Depth))
            .Select(async page =>
            {
                foreach (Placing placing in await PutAsync(page.Key, [.. page], false)) lost.Add(placing);
            }));
        List<Placing> rest = [.. placings.Where(p => p.Depth == Placing.Anywhere), .. lost];
        if (rest.Count > 0) await PutBelowAsync(PageName.Root, rest);
    }

    /// <summary>Changes entries, those whose stamps are still the same.</summary>
    public Task ChangeAsync(IEnumerable<EntryChange> changes) => Task.WhenAll(
        changes.GroupBy(c => PageName.Of(c.Job, c.Depth)).Select(page => ChangeAsync(page.Key, [.. page])));

    /// <summary>Every entry, in no order. Pages that have been empty for a while are removed.</summary>
    public async Task<IReadOnlyCollection<FoundEntry>> AllAsync()
    {
        var found = new ConcurrentBag<FoundEntry>();
        await CollectAsync(PageName.Root, found);
        return found;
    }

    /// <summary>The entries of jobs before this one, the newest first; reads no more pages than it has to.</summary>
    public IAsyncEnumerable<FoundEntry> NewestAsync(long before) => NewestAsync(PageName.Root, [], before);

    private async IAsyncEnumerable<FoundEntry> NewestAsync(PageName page, List<FoundEntry> above, long before)
    {
        IndexNode node = await _pages.ReadAsync(page);
        above.AddRange(node.Entries.Select(entry => new FoundEntry(entry, page.Depth)));
        ILookup<int, FoundEntry> byChild = above.ToLookup(found => page.ChildOf(found.Entry.Job));
        for (int child = PageName.Children - 1; child >= 0; child--)
        {
            if (!page.IsLast && page.Below(child).First >= before) continue;
            if ((node.Children & (1 << child)) != 0)
            {
                await foreach (FoundEntry found in NewestAsync(page.Below(child), [.. byChild[child]], before))
                    yield return found;
                continue;
            }
            foreach (FoundEntry found in byChild[child].OrderByDescending(found => found.Entry.Job))
                if (found.Entry.Job.Value < before) yield return found;
        }
    }

    private async Task CollectAsync(PageName page, ConcurrentBag<FoundEntry> found)
    {
        IndexNode node = await _pages.ReadAsync(page);
        foreach (IndexEntry entry in node.Entries) found.Add(new FoundEntry(entry, page.Depth));
        await Task.WhenAll(Enumerable.Range(0, PageName.Children).Where(child => (node.Children & (1 << child)) != 0)
            .Select(child => CollectAsync(page.Below(child), found)));
        await _pages.PruneAsync(page);
    }

    private async Task PutBelowAsync(PageName page, List<Placing> placings)
    {
        List<Placing> rest = await PutAsync(page, placings, true);
        await Task.WhenAll(rest.GroupBy(p => page.ChildOf(p.Entry.Job)).Select(below =>
            PutBelowAsync(page.Below(below.Key), [.. below])));
    }

    // Those that found no room; with branching, the pages for them are announced.
    private async Task<List<Placing>> PutAsync(PageName page, List<Placing> placings, bool branch)
    {
        List<Placing> rest = [];
        await _pages.UpdateAsync(page, trustsCache: true, node =>
        {
            rest.Clear();
            List<IndexEntry> entries = [.. node.Entries];
            Dictionary<JobId, int> places = [];
            for (int i = 0; i < entries.Count; i++) places[entries[i].Job] = i;
            ushort children = node.Children;
            foreach (Placing placing in placings)
            {
                if (places.TryGetValue(placing.Entry.Job, out int at)) entries[at] = placing.Entry;
                else if (branch && (entries.Count < IndexNode.Capacity || page.IsLast)) entries.Add(placing.Entry);
                else
                {
                    rest.Add(placing);
                    if (branch) children |= (ushort)(1 << page.ChildOf(placing.Entry.Job));
                }
            }
            return rest.Count == placings.Count && children == node.Children
                ? null
                : new IndexNode(entries, children, node.IsCut);
        });
        foreach (Placing placing in placings.Except(rest)) placing.Depth = page.Depth;
        return rest;
    }

    private Task ChangeAsync(PageName page, EntryChange[] changes)
    {
        Dictionary<JobId, EntryChange> byJob = [];
        foreach (EntryChange change in changes) byJob[change.Job] = change;
        return _pages.UpdateAsync(page, trustsCache: false, node =>
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
            return changed ? new IndexNode(entries, node.Children, node.IsCut) : null;
        });
    }
}
