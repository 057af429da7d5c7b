namespace Granary.Activations;

/// <summary>
/// The thread for turns that no other thread takes: those after a commit and those that are due. It also flushes what
/// nobody waits for.
/// </summary>
internal sealed class EngineLoop : IDisposable
{
    /// <summary>
    /// How long events may stay in memory while nobody waits for them: 2 milliseconds. Readers that follow along see
    /// outcomes so much later, and fast tasks share their commits.
    /// </summary>
    private static readonly TimeSpan LazyFlush = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan MovedClock = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider _time;
    private readonly object _gate = new();
    private readonly Queue<Activation> _ready = new();
    private readonly PriorityQueue<Activation, Instant> _due = new();
    private readonly List<Activation> _lazy = [];
    private readonly ITimer _timer;
    private readonly Thread _thread;
    private Instant _timerAt = Instant.Never;
    private long _lazySince;
    private bool _stopping;

    public EngineLoop(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { IsBackground = true, Name = "Granary turns" };
        _thread.Start();
    }

    /// <summary>Gives the activation a turn soon.</summary>
    public void Schedule(Activation activation)
    {
        lock (_gate)
        {
            _ready.Enqueue(activation);
            if (_ready.Count == 1) Monitor.Pulse(_gate);
        }
    }

    /// <summary>Called in a turn: flush this one soon, together with what comes meanwhile.</summary>
    public void FlushLazily(Activation activation)
    {
        lock (_gate)
        {
            _lazy.Add(activation);
            if (_lazy.Count > 1) return;
            _lazySince = TimeProvider.System.GetTimestamp();
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Called in a turn: give this one a turn at that time.</summary>
    public void ScheduleAt(Activation activation, Instant at)
    {
        lock (_gate)
        {
            _due.Enqueue(activation, at);
            if (at < _timerAt) SetTimer(at);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        if (Thread.CurrentThread != _thread) _thread.Join();
        _timer.Dispose();
    }

    private Instant Now => Instant.From(_time.GetUtcNow());

    private void Run()
    {
        while (Next() is { } activation) activation.TakeTurns();
        FlushLazy();
    }

    private Activation? Next()
    {
        while (true)
        {
            lock (_gate)
            {
                TakeDue();
                if (_stopping) return null;
                int patience = MillisecondsToFlush();
                if (patience != 0)
                {
                    if (_ready.TryDequeue(out Activation? ready)) return ready;
                    Monitor.Wait(_gate, patience);
                    continue;
                }
            }
            FlushLazy();
        }
    }

    // To a deadline, so that what is scheduled meanwhile does not put it off. Rounded up: waits count milliseconds.
    private int MillisecondsToFlush()
    {
        if (_lazy.Count == 0) return Timeout.Infinite;
        TimeSpan left = LazyFlush - TimeProvider.System.GetElapsedTime(_lazySince);
        return Math.Max(0, (int)Math.Ceiling(left.TotalMilliseconds));
    }

    private void FlushLazy()
    {
        Activation[] lazy;
        lock (_gate)
        {
            lazy = [.. _lazy];
            _lazy.Clear();
        }
        foreach (Activation activation in lazy) activation.Flush();
    }

    private void TakeDue()
    {
        if (_due.Count == 0) return;
        Instant now = Now;
        bool changed = false;
        while (_due.TryPeek(out Activation? activation, out Instant at) && at <= now)
        {
            _due.Dequeue();
            activation.BecomeDue();
            changed = true;
        }
        if (!changed && _timerAt > now) return;
        SetTimer(_due.TryPeek(out _, out Instant next) ? next : Instant.Never);
    }

    private void SetTimer(Instant at)
    {
        _timerAt = at;
        // Again if the clock was moved between the look at it and the timer's start, which would ring too late.
        for (Instant now = Now; ;)
        {
            _timer.Change(at == Instant.Never ? Timeout.InfiniteTimeSpan : Until(at, now), Timeout.InfiniteTimeSpan);
            Instant before = now;
            now = Now;
            if (now - before < MovedClock) return;
        }
    }

    // Timers count whole milliseconds: rounded up, since early would mean a second look. Very far is looked at again
    // each day.
    private static TimeSpan Until(Instant at, Instant now) => at - now > TimeSpan.FromDays(1)
        ? TimeSpan.FromDays(1)
        : TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((at - now).TotalMilliseconds)));

    private void Wake()
    {
        lock (_gate)
        {
            _timerAt = new Instant(0);
            Monitor.Pulse(_gate);
        }
    }
}
