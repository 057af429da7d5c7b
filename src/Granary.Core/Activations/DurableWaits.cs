namespace Granary.Activations;

/// <summary>What is done once so many records are durable, in the order in which it was asked for.</summary>
internal sealed class DurableWaits
{
    private readonly Queue<(int Records, Action Release)> _waiting = new();

    public int Count => _waiting.Count;

    public void Add(int records, Action release) => _waiting.Enqueue((records, release));

    /// <summary>So many are durable now.</summary>
    public void Release(int records)
    {
        while (_waiting.TryPeek(out (int Records, Action Release) first) && first.Records <= records)
        {
            _waiting.Dequeue();
            first.Release();
        }
    }
}
