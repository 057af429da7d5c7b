using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Activations;

/// <summary>
/// The pages of arguments that tasks are being started from. Tasks start in order, so a few pages are enough.
/// </summary>
internal sealed class ArgsCache(IJobStore store, JobTree tree, JobId job)
{
    private const int Pages = 4;

    // Guarded by itself: a store that reads asynchronously comes back on another thread.
    private readonly List<(int Number, ReadOnlyMemory<byte>[] Args)> _pages = [];

    /// <summary>Keeps a page that was just submitted, so that it need not be read back.</summary>
    public void Add(StoredPage page)
    {
        lock (_pages)
        {
            if (_pages.Count < Pages) _pages.Add((page.Number, PageReader.ReadArgs(job, page)));
        }
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(int node)
    {
        (int page, int offset) = tree.PageOf(node);
        lock (_pages)
        {
            foreach ((int number, ReadOnlyMemory<byte>[] args) in _pages)
                if (number == page) return new(args[offset]);
        }
        return LoadAsync(page, offset);
    }

    private async ValueTask<ReadOnlyMemory<byte>> LoadAsync(int page, int offset)
    {
        IReadOnlyList<StoredPage> read = await store.ReadPagesAsync(job, page, 1, true, CancellationToken.None);
        if (read is not [var stored] || stored.Number != page)
            throw Blob.Damaged(BlobKind.Args, job, page, "is missing");
        ReadOnlyMemory<byte>[] args = PageReader.ReadArgs(job, stored);
        lock (_pages)
        {
            if (_pages.Count >= Pages) _pages.RemoveAt(0);
            _pages.Add((page, args));
        }
        return args[offset];
    }
}
