namespace Granary.Simulation.Worlds;

/// <summary>
/// The time of a history. Timers run on time that only goes forward; the clock on the wall may jump. A timer's
/// callback goes to the
/// context that made the timer.
/// </summary>
internal sealed class SimClock : TimeProvider
{
    private static readonly long Start = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    private readonly List<SimTimer> _timers = [];
    private long _furthest;

    /// <summary>Ticks since the history began; never goes back.</summary>
    public long Elapsed { get; private set; }

    /// <summary>How far the clock on the wall is off.</summary>
    public long Jumped { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(Start + Elapsed + Jumped, TimeSpan.Zero);

    public override long GetTimestamp() => Elapsed;

    public Instant Now => Instant.From(GetUtcNow());

    /// <summary>When the next timer fires; <see cref="long.MaxValue"/> if there is none.</summary>
    public long NextTimer { get; private set; } = long.MaxValue;

    public bool HasJumpedBack { get; private set; }

    public void Jump(TimeSpan by)
    {
        Jumped += by.Ticks;
        HasJumpedBack |= by < TimeSpan.Zero;
        _furthest = Math.Max(_furthest, Jumped);
    }

    /// <summary>Puts the clock on the wall where it was furthest, so that nothing is due later than it was asked
    /// for.</summary>
    public void CatchUp() => Jumped = _furthest;

    public void Advance(long ticks)
    {
        Elapsed += ticks;
        while (NextTimer <= Elapsed)
        {
            SimTimer due = _timers.MinBy(timer => timer.At)!;
            due.Fire();
            FindNext();
        }
    }

    /// <summary>A process was killed: its timers are gone.</summary>
    public void Forget(SimContext context)
    {
        _timers.RemoveAll(timer => timer.Context == context);
        FindNext();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(this, (SimContext?)SynchronizationContext.Current, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void FindNext()
    {
        long next = long.MaxValue;
        foreach (SimTimer timer in _timers) next = Math.Min(next, timer.At);
        NextTimer = next;
    }

    private sealed class SimTimer(SimClock clock, SimContext? context, TimerCallback callback, object? state) : ITimer
    {
        private long _period;

        public SimContext? Context => context;

        public long At { get; private set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock._timers.Remove(this);
            At = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : clock.Elapsed + dueTime.Ticks;
            _period = period > TimeSpan.Zero ? period.Ticks : 0;
            if (At < long.MaxValue && context is not { IsDead: true }) clock._timers.Add(this);
            clock.FindNext();
            return true;
        }

        public void Fire()
        {
            if (_period > 0) At += _period;
            else clock._timers.Remove(this);
            context?.Post(static timer => ((SimTimer)timer!).Call(), this);
        }

        public void Dispose()
        {
            // A killed process's timers are gone, and are disposed by the finalizer on a thread of its own.
            if (context is { IsDead: true }) return;
            clock._timers.Remove(this);
            clock.FindNext();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Call() => callback(state);
    }
}
