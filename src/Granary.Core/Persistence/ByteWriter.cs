using System.Buffers;
using System.Text;

namespace Granary.Persistence;

/// <summary>
/// A growing buffer of bytes with the few forms that Granary's own codec knows: bytes, varints, texts, blocks.
/// </summary>
internal sealed class ByteWriter(int capacity = 256) : IBufferWriter<byte>
{
    private byte[] _buffer = new byte[capacity];
    private int _length;

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>What was written, in an array of its size; the writer is empty again and keeps its buffer.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        byte[] written = Written.ToArray();
        _length = 0;
        return written;
    }

    public void Byte(byte value)
    {
        if (_length == _buffer.Length) Grow(1);
        _buffer[_length++] = value;
    }

    /// <summary>Seven bits a byte, low bits first.</summary>
    public void Varint(ulong value)
    {
        if (_buffer.Length - _length < 10) Grow(10);
        while (value >= 0x80)
        {
            _buffer[_length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        _buffer[_length++] = (byte)value;
    }

    public void Count(int value) => Varint((uint)value);

    /// <summary>A number of either sign, small when near zero.</summary>
    public void Signed(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (_buffer.Length - _length < bytes.Length) Grow(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    public void Block(ReadOnlySpan<byte> bytes)
    {
        Count(bytes.Length);
        Raw(bytes);
    }

    public void Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Count(length);
        if (_buffer.Length - _length < length) Grow(length);
        _length += Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length));
    }

    /// <summary>A time that may be absent: zero, or one more than its microseconds.</summary>
    public void Time(TimeSpan? span) => Varint(span is { } s ? (ulong)(s.Ticks / TimeSpan.TicksPerMicrosecond) + 1 : 0);

    void IBufferWriter<byte>.Advance(int count) => _length += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_length);
    }

    private void Reserve(int sizeHint)
    {
        if (_buffer.Length - _length < Math.Max(1, sizeHint)) Grow(Math.Max(256, sizeHint));
    }

    private void Grow(int more) =>
        Array.Resize(
            ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(256L, _length * 2L), _length + (long)more)));
}
