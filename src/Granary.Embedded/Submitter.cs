using Granary.Activations;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>Takes a submission in: items become pages as they come, and pages a job.</summary>
internal sealed class Submitter(EngineContext engine, ActivationTable jobs, JobHeader header)
{
    private readonly Staging _staging = new(engine, header);

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
                if (writer.HasFull) await _staging.AddAsync(writer.TakeFull(), cancellation);
            }
            await _staging.AddAsync(writer.Finish(), cancellation);
            return await PublishAsync(cancellation);
        }
        catch
        {
            await _staging.DiscardAsync();
            throw;
        }
    }

    private async Task<bool> PublishAsync(CancellationToken cancellation)
    {
        Activation activation = await _staging.CompleteAsync();
        // Whoever asks for the job from now on waits for this activation and makes no other.
        var published = new TaskCompletionSource<Activation>(TaskCreationOptions.RunContinuationsAsynchronously);
        jobs.Reserve(header.Id, published.Task);
        jobs.Watch(activation);
        try
        {
            WriteResult result = await _staging.PublishAsync(activation, cancellation);
            if (result == WriteResult.IdTaken)
                throw new StoreException(StoreFault.Unavailable, $"The id {header.Id} is in use. Submit it again.");
            if (result == WriteResult.KeyTaken)
            {
                Withdraw(published);
                await _staging.DiscardAsync();
                return false;
            }
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
}
