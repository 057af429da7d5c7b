using System.Buffers;
using System.Diagnostics;

namespace Granary.Activations;

/// <summary>
/// What came out of a handler: collects its result up to the limit. Used again by the next attempt.
/// </summary>
internal sealed class ResultBuffer(int limit) : IBufferWriter<byte>
{
    private byte[] _bytes = new byte[Math.Min(limit, 256)];
    private int _length;

    /// <summary>What it returned.</summary>
    public ReadOnlyMemory<byte> Value => _length == 0 ? EngineContext.Null : _bytes.AsMemory(0, _length);

    /// <summary>What it threw; null if it returned.</summary>
    public Exception? Thrown { get; set; }

    /// <summary>When it came back.</summary>
    public Instant FinishedAt { get; set; }

    /// <summary>The attempt's span until it has ended; null where nobody listens.</summary>
    public Activity? Span { get; set; }

    /// <summary>Empties it; false if it has grown too large to keep.</summary>
    public bool TryReset()
    {
        _length = 0;
        Thrown = null;
        return _bytes.Length <= 64 * 1024;
    }

    public void Advance(int count)
    {
        _length += count;
        if (_length > limit) throw new ResultTooLargeException(limit);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_length);
    }

    // A writer may ask for more than it needs, so the limit is judged by what was written; what could never fit is
    // refused at once.
    private void Reserve(int sizeHint)
    {
        int wanted = Math.Max(sizeHint, 1);
        if (_bytes.Length - _length >= wanted) return;
        if ((long)_length + wanted > 4L * limit + 4096) throw new ResultTooLargeException(limit);
        Array.Resize(ref _bytes, (int)Math.Max(_bytes.Length * 2L, (long)_length + wanted));
    }
}
