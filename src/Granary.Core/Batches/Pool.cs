namespace Granary.Batches;

/// <summary>
/// The slots of one batch. A task runs when its pool and every pool around it have a slot; the lowest ready node goes
/// first. Each pool offers its best candidate to the one around it, so that the outermost knows the next start in
/// logarithmic time.
/// </summary>
internal sealed class Pool(NodeTable nodes, Pool? outer, int max)
{
    private readonly ReadyQueue _ready = new(nodes);
    private PriorityQueue<Pool, int>? _offers;
    private int _offered = -1;

    public Pool? Outer { get; } = outer;

    public int Max { get; private set; } = max;

    public int InUse { get; private set; }

    public bool Paused { get; private set; }

    public bool IsFull => InUse >= Max;

    public void Push(int node)
    {
        _ready.Push(node);
        Offer();
    }

    public void Resize(int size)
    {
        Max = size;
        Offer();
    }

    public void Pause(bool paused)
    {
        Paused = paused;
        Offer();
    }

    public void Take()
    {
        for (Pool? pool = this; pool is not null; pool = pool.Outer) pool.InUse++;
    }

    public void Free()
    {
        for (Pool? pool = this; pool is not null; pool = pool.Outer) pool.InUse--;
        Offer();
    }

    /// <summary>The node that may start next in this pool, or −1.</summary>
    public int Peek()
    {
        if (Paused || IsFull) return -1;
        int own = _ready.Peek();
        int inner = PeekOffers();
        return own < 0 || (inner >= 0 && inner < own) ? inner : own;
    }

    private int PeekOffers()
    {
        if (_offers is null) return -1;
        while (_offers.TryPeek(out Pool? pool, out int offered))
        {
            int now = pool.Peek();
            if (now == offered && pool._offered == offered) return now;
            _offers.Dequeue();
            if (pool._offered != offered) continue;
            pool._offered = now;
            if (now >= 0) _offers.Enqueue(pool, now);
        }
        return -1;
    }

    // What a pool can start may have become better: tell the pools around it. Worse is noticed when the offer comes up.
    private void Offer()
    {
        for (Pool pool = this; pool.Outer is { } around; pool = around)
        {
            int now = pool.Peek();
            if (now < 0 || (pool._offered >= 0 && pool._offered <= now)) continue;
            pool._offered = now;
            (around._offers ??= new()).Enqueue(pool, now);
        }
    }
}
