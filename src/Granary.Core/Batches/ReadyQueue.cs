namespace Granary.Batches;

/// <summary>
/// The ready tasks of one pool, lowest node first. Kept as ranges in a heap: a million tasks that become ready in
/// order are one range. Entries of tasks that are no longer ready are skipped when they come up.
/// </summary>
internal sealed class ReadyQueue(NodeTable nodes)
{
    private readonly PriorityQueue<(int First, int End), int> _ranges = new();
    private (int First, int End) _tail;

    public void Push(int node)
    {
        nodes[node].IsReady = true;
        if (_tail.End == node && _tail.First < _tail.End)
        {
            _tail.End++;
            return;
        }
        Spill();
        _tail = (node, node + 1);
    }

    /// <summary>The lowest ready node, or −1.</summary>
    public int Peek()
    {
        while (true)
        {
            bool fromHeap = _ranges.TryPeek(out (int First, int End) range, out _);
            bool fromTail = _tail.First < _tail.End && (!fromHeap || _tail.First < range.First);
            if (fromTail) range = _tail;
            else if (!fromHeap) return -1;

            int first = range.First;
            while (first < range.End && !nodes[first].IsReady) first++;
            if (first < range.End && first == range.First) return first;

            if (fromTail) _tail.First = first;
            else if (first < range.End) _ranges.DequeueEnqueue((first, range.End), first);
            else _ranges.Dequeue();
        }
    }

    private void Spill()
    {
        if (_tail.First < _tail.End) _ranges.Enqueue(_tail, _tail.First);
    }
}
