namespace Granary.Grains;

/// <summary>
/// The workers that the jobs of this silo use, wherever they are. A task goes to the silo that runs the fewest of them;
/// one that is over sooner than a message to another silo would be stays here. Workers are used again while they are
/// young, so that a task costs no new grain.
/// </summary>
internal sealed class WorkerPool(
    IGrainFactory grains, SiloAddress silo, ISiloStatusOracle membership, TimeProvider clock)
{
    /// <summary>How long a worker is used again: 30 seconds.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);

    /// <summary>How long the list of silos is believed when nobody says that it has changed: 1 second.</summary>
    private static readonly TimeSpan MembershipAge = TimeSpan.FromSeconds(1);

    /// <summary>How long a silo is passed over that did not take a task: 1 second.</summary>
    private static readonly TimeSpan AvoidedFor = TimeSpan.FromSeconds(1);

    /// <summary>A start and a report between silos cost about as much processor time: 0.25 milliseconds.</summary>
    private static readonly TimeSpan ShortTask = TimeSpan.FromMicroseconds(250);

    private readonly string _prefix = silo.ToParsableString();
    private readonly Lock _gate = new();

    // Under the gate.
    private readonly Dictionary<SiloAddress, Place> _places = new() { [silo] = new Place(silo) };
    private readonly Dictionary<string, TimeSpan> _durations = [];
    private long? _listedAt;
    private int _count;

    /// <summary>A worker for a task of this handler.</summary>
    public PooledWorker Rent(string handler)
    {
        lock (_gate)
        {
            Place place = Choose(handler);
            place.InUse++;
            while (place.Idle.TryPop(out PooledWorker? worker))
            {
                if (clock.GetElapsedTime(worker.MadeAt) <= MaxAge) return worker;
                _ = RetireAsync(worker.Grain);
            }
            string key = $"{_prefix}/{++_count}";
            return new PooledWorker(grains.GetGrain<IWorkerGrain>(key), key, place.Silo, clock.GetTimestamp());
        }
    }

    /// <summary>Its task has ended, after so long if it succeeded.</summary>
    public void Return(PooledWorker worker, string handler, TimeSpan? duration)
    {
        lock (_gate)
        {
            if (Release(worker) is { } place) place.Idle.Push(worker.Again());
            if (duration is not { } last) return;
            // A few tasks' worth of memory.
            TimeSpan typical = _durations.GetValueOrDefault(handler, last);
            _durations[handler] = typical + ((last - typical) / 8);
        }
    }

    /// <summary>It is of no use any more.</summary>
    public void Drop(PooledWorker worker)
    {
        lock (_gate) Release(worker);
    }

    /// <summary>Its silo does not take it: it is stopping, or cannot be reached.</summary>
    public void Avoid(PooledWorker worker)
    {
        lock (_gate)
        {
            if (Release(worker) is { } place) place.AvoidedAt = clock.GetTimestamp();
        }
    }

    /// <summary>A silo has come, or is gone and its workers with it.</summary>
    public void MembershipChanged()
    {
        lock (_gate) _listedAt = null;
    }

    // Released once, whoever finds first that it is not needed. No place: its silo is gone.
    private Place? Release(PooledWorker worker)
    {
        if (!worker.TryRelease() || !_places.TryGetValue(worker.Silo, out Place? place)) return null;
        place.InUse--;
        return place;
    }

    // This silo first among equals: a call within it is the cheapest.
    private Place Choose(string handler)
    {
        if (_listedAt is not { } at || clock.GetElapsedTime(at) > MembershipAge) ListSilos();
        Place best = _places[silo];
        bool isAvoided = IsAvoided(best);
        if (!isAvoided && _durations.TryGetValue(handler, out TimeSpan typical) && typical < ShortTask) return best;
        foreach (Place other in _places.Values)
        {
            if (IsAvoided(other) || !(isAvoided || other.InUse < best.InUse)) continue;
            (best, isAvoided) = (other, false);
        }
        return best;
    }

    private bool IsAvoided(Place place) => place.AvoidedAt is { } at && clock.GetElapsedTime(at) < AvoidedFor;

    private void ListSilos()
    {
        _listedAt = clock.GetTimestamp();
        Dictionary<SiloAddress, SiloStatus> active = membership.GetApproximateSiloStatuses(onlyActive: true);
        foreach (SiloAddress known in _places.Keys.ToArray())
            if (!active.ContainsKey(known) && !known.Equals(silo)) _places.Remove(known);
        foreach (SiloAddress other in active.Keys) _places.TryAdd(other, new Place(other));
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

    /// <summary>A silo, and the workers of this pool on it.</summary>
    private sealed class Place(SiloAddress silo)
    {
        public SiloAddress Silo => silo;

        public Stack<PooledWorker> Idle { get; } = [];

        public int InUse { get; set; }

        /// <summary>When it last did not take a task.</summary>
        public long? AvoidedAt { get; set; }
    }
}

/// <summary>A worker of a pool, for one task.</summary>
/// <param name="grain">The worker.</param>
/// <param name="key">Its name.</param>
/// <param name="silo">Where it was put; Orleans may have moved it since.</param>
/// <param name="madeAt">When, by the engine's clock.</param>
internal sealed class PooledWorker(IWorkerGrain grain, string key, SiloAddress silo, long madeAt)
{
    private bool _isReleased;

    public IWorkerGrain Grain => grain;

    public string Key => key;

    public SiloAddress Silo => silo;

    public long MadeAt => madeAt;

    /// <returns>Whether it had not been released before. Called under the pool's lock.</returns>
    public bool TryRelease() => !_isReleased && (_isReleased = true);

    /// <summary>The same worker for another task.</summary>
    public PooledWorker Again() => new(grain, key, silo, madeAt);

    /// <summary>Starts an attempt there; the first call says where the worker is to be.</summary>
    public ValueTask<StartAnswer> StartAsync(TaskStart start)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
        try
        {
            return grain.StartAsync(start);
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
    }
}
