namespace Granary.Simulation.Worlds;

/// <summary>Where the continuations of one process, or of the clients, wait for their turn. A process that was killed
/// loses them.</summary>
internal sealed class SimContext(int thread, SimProcess? process = null) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _queue = [];

    /// <summary>Whose it is; null for the clients.</summary>
    public SimProcess? Process => process;

    public bool IsDead { get; private set; }

    /// <summary>Something came from another thread: code under test has left the simulation, and nothing can be
    /// repeated.</summary>
    public bool HasEscaped { get; private set; }

    public int Count => _queue.Count;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != thread)
        {
            HasEscaped = true;
            return;
        }
        if (!IsDead) _queue.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nothing waits in a simulation.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs one of those that wait; they keep no order.</summary>
    public void RunOne(SimRandom random)
    {
        // Mostly the oldest, as a pool would, but not always.
        int at = random.Chance(60) ? 0 : random.Next(_queue.Count);
        (SendOrPostCallback callback, object? state) = _queue[at];
        _queue.RemoveAt(at);
        Run(callback, state);
    }

    /// <summary>Runs something now, in here.</summary>
    public void Run(SendOrPostCallback callback, object? state)
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public void Kill()
    {
        IsDead = true;
        _queue.Clear();
    }
}
