using System.Collections.Concurrent;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// The pages of an index, each a state that is written by its ETag. A page that is not cut is known to the one above
/// it. Whoever writes to one that is cut, or not there, writes the one above as well, and after that says so; so
/// removing an empty page, which cuts it first, and filling it can meet at any point and nothing is out of sight.
/// </summary>
internal sealed class IndexPages(StateStorage storage, string name, TimeProvider time)
{
    /// <summary>Pages kept in memory, to write them without reading them first.</summary>
    private const int MaxCached = 1_024;

    /// <summary>A provider that counts its ETags begins anew where a state was cleared: so nothing may be remembered
    /// as long as an empty page is left alone.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    /// <summary>A page is removed after it has been empty for so long.</summary>
    private static readonly TimeSpan EmptyFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<PageName, Held> _cache = new();
    private readonly ConcurrentDictionary<PageName, (string? ETag, long Since)> _empty = new();

    public async Task<IndexNode> ReadAsync(PageName page) => (await LoadAsync(page)).Node;

    /// <summary>Changes a page, as often as it takes. A change of null leaves it as it is.</summary>
    /// <param name="page">The page.</param>
    /// <param name="trustsCache">Whether it may be left as it is because of what this process last saw.</param>
    /// <param name="change">The change.</param>
    public async Task UpdateAsync(PageName page, bool trustsCache, Func<IndexNode, IndexNode?> change)
    {
        bool wasCut = await WriteAsync(page, trustsCache, change);
        if (!wasCut || page == PageName.Root) return;
        // Written even where it names this page: whoever is about to take that away then finds out.
        await UpdateAsync(page.Above, false, above =>
            new IndexNode(above.Entries, (ushort)(above.Children | (1 << page.Place)), above.IsCut));
        await WriteAsync(page, false, node =>
            node.IsCut ? new IndexNode(node.Entries, node.Children, isCut: false) : null);
    }

    /// <summary>Removes a page that has been empty for a while. Call it for each that was just read.</summary>
    public async Task PruneAsync(PageName page)
    {
        if (page == PageName.Root) return;
        if (!_cache.TryGetValue(page, out Held seen) || !seen.Node.IsEmpty)
        {
            _empty.TryRemove(page, out _);
            return;
        }
        if (_empty.Count >= MaxCached) _empty.Clear();
        (string? etag, long since) = _empty.GetOrAdd(page, (seen.ETag, time.GetTimestamp()));
        if (etag != seen.ETag)
        {
            _empty[page] = (seen.ETag, time.GetTimestamp());
            return;
        }
        if (time.GetElapsedTime(since) < EmptyFor) return;
        _empty.TryRemove(page, out _);
        await RemoveAsync(page);
    }

    private async Task RemoveAsync(PageName page)
    {
        Held above = await LoadAsync(page.Above), held = await LoadAsync(page);
        int place = 1 << page.Place;
        if (!held.Node.IsEmpty || (above.Node.Children & place) == 0) return;
        _cache.TryRemove(page, out _);
        _cache.TryRemove(page.Above, out _);
        (bool isWritten, string? etag) = await storage.TryWriteAsync(Key(page), IndexNode.None.Write(), held.ETag);
        if (!isWritten) return;
        var without = new IndexNode(above.Node.Entries, (ushort)(above.Node.Children & ~place), above.Node.IsCut);
        (isWritten, _) = await storage.TryWriteAsync(Key(page.Above), without.Write(), above.ETag);
        if (isWritten) await storage.TryClearAsync(Key(page), etag);
    }

    // Whether it was cut before, if it was written.
    private async Task<bool> WriteAsync(PageName page, bool trustsCache, Func<IndexNode, IndexNode?> change)
    {
        bool isCached = _cache.TryGetValue(page, out Held held) && time.GetElapsedTime(held.Since) < MaxAge;
        for (int attempt = 0; ; attempt++)
        {
            if (!isCached) held = await LoadAsync(page);
            if (change(held.Node) is { } changed)
            {
                (bool isWritten, string? etag) = await storage.TryWriteAsync(Key(page), changed.Write(), held.ETag);
                if (isWritten)
                {
                    Keep(page, changed, etag);
                    return held.Node.IsCut;
                }
                await StateStorage.PauseAsync(attempt, Key(page));
            }
            else if (trustsCache || !isCached)
            {
                return false;
            }
            isCached = false;
        }
    }

    private async Task<Held> LoadAsync(PageName page)
    {
        StoredState state = await storage.ReadAsync(Key(page));
        return Keep(page, state.Content is { } c ? IndexNode.Read(c.Span) : IndexNode.None, state.ETag);
    }

    private Held Keep(PageName page, IndexNode node, string? etag)
    {
        if (_cache.Count >= MaxCached) _cache.Clear();
        return _cache[page] = new Held(node, etag, time.GetTimestamp());
    }

    private string Key(PageName page) => FormattableString.Invariant($"{name}-{page.Depth}-{page.Prefix:x}");

    private readonly record struct Held(IndexNode Node, string? ETag, long Since);
}
