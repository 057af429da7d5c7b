using System.Collections.Concurrent;

namespace Granary.Grains;

/// <summary>
/// The workers that the jobs of this silo use, wherever they are. A new one goes to the silo that carries the fewest
/// of them. They are used again while they are young, so that a task costs no new grain; older ones make room for new
/// ones, so that a silo that has joined soon gets its share.
/// </summary>
internal sealed class WorkerPool(
    IGrainFactory grains, SiloAddress silo, ISiloStatusOracle membership, TimeProvider clock)
{
    /// <summary>How long a worker is used again: 30 seconds.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);

    private readonly ConcurrentStack<PooledWorker> _idle = new();
    private readonly string _prefix = silo.ToParsableString();
    private readonly Lock _gate = new();

    // Under the gate: how many workers each silo carries, and silos that have said that they are stopping.
    private readonly Dictionary<SiloAddress, int> _carried = [];
    private readonly HashSet<SiloAddress> _stopping = [];
    private int _count;

    public PooledWorker Rent()
    {
        while (_idle.TryPop(out PooledWorker? worker))
        {
            if (clock.GetElapsedTime(worker.MadeAt) <= MaxAge) return worker;
            Drop(worker);
            _ = RetireAsync(worker.Grain);
        }
        SiloAddress place = Choose();
        string key = $"{_prefix}/{Interlocked.Increment(ref _count)}";
        return new PooledWorker(grains.GetGrain<IWorkerGrain>(key), key, place, clock.GetTimestamp());
    }

    public void Return(PooledWorker worker) => _idle.Push(worker);

    /// <summary>It is of no use any more.</summary>
    public void Drop(PooledWorker worker)
    {
        lock (_gate)
        {
            if (_carried.TryGetValue(worker.Silo, out int count)) _carried[worker.Silo] = count - 1;
        }
    }

    /// <summary>Its silo takes no more tasks.</summary>
    public void Avoid(SiloAddress stopping)
    {
        lock (_gate) _stopping.Add(stopping);
    }

    /// <summary>The silo is gone, and its workers with it.</summary>
    public void Forget(SiloAddress dead)
    {
        lock (_gate)
        {
            _carried.Remove(dead);
            _stopping.Remove(dead);
        }
    }

    // This silo first among equals: a call within it is the cheapest.
    private SiloAddress Choose()
    {
        Dictionary<SiloAddress, SiloStatus> active = membership.GetApproximateSiloStatuses(onlyActive: true);
        lock (_gate)
        {
            SiloAddress best = silo;
            int least = _stopping.Contains(silo) ? int.MaxValue : _carried.GetValueOrDefault(silo);
            foreach (SiloAddress other in active.Keys)
            {
                int carried = _carried.GetValueOrDefault(other);
                if (carried < least && !_stopping.Contains(other)) (best, least) = (other, carried);
            }
            _carried[best] = _carried.GetValueOrDefault(best) + 1;
            return best;
        }
    }

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
/// <param name="Grain">The worker.</param>
/// <param name="Key">Its name.</param>
/// <param name="Silo">Where it was put; Orleans may have moved it since.</param>
/// <param name="MadeAt">When, by the engine's clock.</param>
internal sealed record PooledWorker(IWorkerGrain Grain, string Key, SiloAddress Silo, long MadeAt)
{
    /// <summary>Starts an attempt there; the first call says where the worker is to be.</summary>
    public ValueTask<StartAnswer> StartAsync(TaskStart start)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, Silo);
        try
        {
            return Grain.StartAsync(start);
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
    }
}
