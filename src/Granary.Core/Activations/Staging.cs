using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Activations;

/// <summary>
/// A submission on its way in. One of more than a few pages is staged, which is invisible until the last write makes
/// the whole job live. So it is all or nothing, and memory holds a few pages only.
/// </summary>
internal sealed class Staging(EngineContext engine, JobHeader header)
{
    /// <summary>Pages that a submission keeps in memory before it stages them.</summary>
    public const int PagesAtOnce = 16;

    /// <summary>Staging writes under way at once: one being written, one being filled.</summary>
    private const int WritesAtOnce = 2;

    /// <summary>A submission that does not go on for so long is abandoned: 1 hour.</summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromHours(1);

    private readonly Queue<Task<WriteResult>> _writes = new();
    private readonly List<StoredPage> _firstPages = [];
    private List<StoredPage> _pages = [];
    private bool _isStaged;

    /// <summary>The job so far.</summary>
    public BatchState State { get; } = new(header);

    /// <summary>The next pages, in order.</summary>
    public async ValueTask AddAsync(IReadOnlyList<StoredPage> pages, CancellationToken cancellation)
    {
        foreach (StoredPage page in pages)
        {
            State.Tree.AddPage(page);
            _pages.Add(page);
            if (_firstPages.Count < 2) _firstPages.Add(page);
        }
        if (_pages.Count < PagesAtOnce) return;
        _writes.Enqueue(engine.Threads.CommitAsync(Write(), cancellation));
        _isStaged = true;
        _pages = [];
        await SettleAsync(WritesAtOnce - 1);
    }

    /// <summary>All pages are there: the job in memory, to be published.</summary>
    public async ValueTask<Activation> CompleteAsync()
    {
        await SettleAsync(0);
        var activation = new Activation(engine, new JobReader(State, new JobLog(engine.Store, header.Id)), epoch: 1);
        foreach (StoredPage page in _firstPages) activation.Args.Add(page);
        return activation;
    }

    /// <summary>Makes the job live. The caller tells its activation (<see cref="Activation.Committed"/>).</summary>
    /// <returns><see cref="WriteResult.Written"/>; or <see cref="WriteResult.KeyTaken"/> or <see
    /// cref="WriteResult.IdTaken"/>, and then it is not there.</returns>
    /// <exception cref="StoreException">It could not be written.</exception>
    public async Task<WriteResult> PublishAsync(Activation activation, CancellationToken cancellation)
    {
        WriteResult result = await engine.Threads.CommitAsync(activation.Create(_pages, HeaderIfNew()), cancellation);
        if (result is not (WriteResult.KeyTaken or WriteResult.IdTaken)) Check(result);
        return result;
    }

    /// <summary>Nothing comes of it: what was staged is removed.</summary>
    public async Task DiscardAsync()
    {
        if (!_isStaged) return;
        try
        {
            while (_writes.TryDequeue(out Task<WriteResult>? write)) await write;
            while (!await engine.Store.RemoveAsync(header.Id, 1_000, CancellationToken.None)) { }
        }
        catch (StoreException)
        {
            // What is left of it is invisible, and is removed as abandoned.
        }
    }

    private async ValueTask SettleAsync(int left)
    {
        while (_writes.Count > left) Check(await _writes.Dequeue());
    }

    private JobWrite Write() => new()
    {
        Job = header.Id,
        Epoch = 1,
        Header = HeaderIfNew(),
        Phase = JobPhase.Staged,
        State = JobState.Scheduled,
        Summary = JobCodec.Write(header.Id, new JobReader(State, new JobLog(engine.Store, header.Id)).Summarize(0)),
        Pages = _pages,
        DueAt = engine.Hold is null ? null : (engine.Now + AbandonedAfter).ToTime(),
    };

    private ReadOnlyMemory<byte>? HeaderIfNew() => _isStaged ? default(ReadOnlyMemory<byte>?) : JobCodec.Write(header);

    private void Check(WriteResult result)
    {
        if (result != WriteResult.Written)
            throw new StoreException(
                StoreFault.Unavailable, $"Job {header.Id} could not be written ({result}). Submit it again.");
    }
}
