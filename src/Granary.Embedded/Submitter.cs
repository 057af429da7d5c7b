using Granary.Activations;
using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>
/// Takes a submission in. Items become pages as they come; a submission of more than a few pages is staged, which is
/// invisible until the last write makes the whole job live. So it is all or nothing, and memory holds a few pages only.
/// </summary>
internal sealed class Submitter(EngineContext engine, ActivationTable jobs, JobHeader header)
{
    /// <summary>Pages that a submission keeps in memory before it stages them.</summary>
    private const int PagesAtOnce = 16;

    /// <summary>Staging writes under way at once: one being written, one being filled.</summary>
    private const int WritesAtOnce = 2;

    private readonly BatchState _state = new(header);
    private readonly Queue<Task<WriteResult>> _staging = new();
    private readonly List<StoredPage> _firstPages = [];
    private List<StoredPage> _pages = [];
    private bool _isStaged;

    /// <returns>Whether the job is there; false if its key has been taken meanwhile.</returns>
    public async Task<bool> SubmitAsync(IAsyncEnumerable<Item> items, CancellationToken cancellation)
    {
        var writer = new PageWriter(
            header, 0, 1, name => engine.Handlers.Find(name) is not null, engine.Options.MaxArgumentBytes);
        try
        {
            await foreach (Item item in items.WithCancellation(cancellation))
            {
                writer.Add(item, writer.ItemCount);
                if (writer.HasFull) await TakeAsync(writer.TakeFull(), cancellation);
            }
            await TakeAsync(writer.Finish(), cancellation);
            await SettleAsync(0);
            return await PublishAsync(cancellation);
        }
        catch
        {
            await DiscardAsync();
            throw;
        }
    }

    private async ValueTask TakeAsync(List<StoredPage> pages, CancellationToken cancellation)
    {
        foreach (StoredPage page in pages)
        {
            _state.Tree.AddPage(page);
            _pages.Add(page);
            if (_firstPages.Count < 2) _firstPages.Add(page);
        }
        if (_pages.Count < PagesAtOnce) return;
        _staging.Enqueue(engine.Threads.CommitAsync(Write(JobPhase.Staged), cancellation));
        _isStaged = true;
        _pages = [];
        await SettleAsync(WritesAtOnce - 1);
    }

    private async ValueTask SettleAsync(int left)
    {
        while (_staging.Count > left) Check(await _staging.Dequeue());
    }

    private async Task<bool> PublishAsync(CancellationToken cancellation)
    {
        var activation = new Activation(engine, new JobReader(_state, new JobLog(engine.Store, header.Id)), epoch: 1);
        foreach (StoredPage page in _firstPages) activation.Args.Add(page);
        // Whoever asks for the job from now on waits for this activation and makes no other.
        var published = new TaskCompletionSource<Activation>(TaskCreationOptions.RunContinuationsAsynchronously);
        jobs.Reserve(header.Id, published.Task);
        jobs.Watch(activation);
        try
        {
            WriteResult result =
                await engine.Threads.CommitAsync(activation.Create(_pages, HeaderIfNew()), cancellation);
            if (result == WriteResult.KeyTaken)
            {
                Withdraw(published);
                await DiscardAsync();
                return false;
            }
            Check(result);
        }
        catch
        {
            Withdraw(published);
            throw;
        }
        published.SetResult(activation);
        activation.Committed();
        return true;
    }

    private void Withdraw(TaskCompletionSource<Activation> published)
    {
        jobs.Remove(header.Id);
        published.TrySetException(Refusals.Of(Refusal.NotFound, header.Id));
        _ = published.Task.Exception;
    }

    private JobWrite Write(JobPhase phase) => new()
    {
        Job = header.Id,
        Epoch = 1,
        Header = HeaderIfNew(),
        Phase = phase,
        State = JobState.Scheduled,
        Summary = JobCodec.Write(header.Id, new JobReader(_state, new JobLog(engine.Store, header.Id)).Summarize(0)),
        Pages = _pages,
    };

    private ReadOnlyMemory<byte>? HeaderIfNew() => _isStaged ? default(ReadOnlyMemory<byte>?) : JobCodec.Write(header);

    private async Task DiscardAsync()
    {
        if (!_isStaged) return;
        try
        {
            while (_staging.TryDequeue(out Task<WriteResult>? write)) await write;
            while (!await engine.Store.RemoveAsync(header.Id, 1_000, CancellationToken.None)) { }
        }
        catch (StoreException)
        {
            // What is left of it is invisible, and the next start removes it.
        }
    }

    private void Check(WriteResult result)
    {
        if (result != WriteResult.Written)
            throw new StoreException(
                StoreFault.Unavailable, $"Job {header.Id} could not be written ({result}). Submit it again.");
    }
}
