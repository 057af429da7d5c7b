using System.Text;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>Reads what <see cref="ByteWriter"/> wrote. Anything that does not fit is reported as damage.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly bool AtEnd => Position == _bytes.Length;

    public byte Byte() => Position < _bytes.Length ? _bytes[Position++] : throw Damaged();

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = Byte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
        throw Damaged();
    }

    public int Count()
    {
        ulong value = Varint();
        return value <= int.MaxValue ? (int)value : throw Damaged();
    }

    public long Signed()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public ReadOnlySpan<byte> Raw(int length)
    {
        if (length < 0 || length > _bytes.Length - Position) throw Damaged();
        ReadOnlySpan<byte> raw = _bytes.Slice(Position, length);
        Position += length;
        return raw;
    }

    public ReadOnlySpan<byte> Block() => Raw(Count());

    public string Text() => Encoding.UTF8.GetString(Block());

    public TimeSpan? Time() =>
        Varint() is > 0 and var value ? TimeSpan.FromTicks((long)(value - 1) * TimeSpan.TicksPerMicrosecond) : null;

    /// <summary>A persisted enum: a value that it does not name is damage.</summary>
    public T Enum<T>() where T : struct, Enum
    {
        byte value = Byte();
        T named = System.Runtime.CompilerServices.Unsafe.BitCast<byte, T>(value);
        return value != 0 && System.Enum.IsDefined(named) ? named : throw Damaged();
    }

    public static StoreException Damaged() =>
        new(StoreFault.Corrupt, "The data does not have the form it was written in.");
}
