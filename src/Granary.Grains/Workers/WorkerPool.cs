using System.Collections.Concurrent;

namespace Granary.Grains;

/// <summary>
/// The workers that the jobs of this silo use, wherever they are. They are used again while they are young, so that a
/// task costs no new grain; older ones make room for new ones, which are placed by what the silos carry then.
/// </summary>
internal sealed class WorkerPool(IGrainFactory grains, string silo, TimeProvider clock)
{
    /// <summary>How long a worker is used again: 30 seconds, so that a new silo soon gets its share.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);

    private readonly ConcurrentStack<PooledWorker> _idle = new();
    private int _count;

    public PooledWorker Rent()
    {
        while (_idle.TryPop(out PooledWorker? worker))
        {
            if (clock.GetElapsedTime(worker.MadeAt) <= MaxAge) return worker;
            _ = RetireAsync(worker.Grain);
        }
        string key = $"{silo}/{Interlocked.Increment(ref _count)}";
        return new PooledWorker(grains.GetGrain<IWorkerGrain>(key), key, clock.GetTimestamp());
    }

    public void Return(PooledWorker worker) => _idle.Push(worker);

    private static async Task RetireAsync(IWorkerGrain worker)
    {
        try
        {
            await worker.RetireAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is collected when it has been idle for long enough.
        }
    }
}

/// <summary>A worker of a pool.</summary>
internal sealed record PooledWorker(IWorkerGrain Grain, string Key, long MadeAt);
