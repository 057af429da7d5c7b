using System.Buffers.Binary;
using System.Numerics;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>What a blob holds. Persisted: zero is invalid.</summary>
internal enum BlobKind : byte
{
    Header = 1,
    Summary = 2,
    Shape = 3,
    Args = 4,
    Events = 5,
    Values = 6,
}

/// <summary>
/// The envelope of everything persisted: a version byte, a kind byte, the content, and a CRC-32C over these and over
/// the job and number it belongs to, so that neither a flipped bit nor a blob in the wrong place is ever taken for
/// data.
/// </summary>
internal static class Blob
{
    /// <summary>Written now. One version back stays readable.</summary>
    public const byte Version = 1;

    public static ByteWriter Begin(BlobKind kind, int capacity = 256)
    {
        var writer = new ByteWriter(capacity);
        Begin(writer, kind);
        return writer;
    }

    public static void Begin(ByteWriter writer, BlobKind kind)
    {
        writer.Byte(Version);
        writer.Byte((byte)kind);
    }

    public static ReadOnlyMemory<byte> Seal(ByteWriter writer, JobId job, int number)
    {
        Span<byte> checksum = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, Checksum(writer.Written, job, number));
        writer.Raw(checksum);
        return writer.Take();
    }

    public static ReadOnlyMemory<byte> Open(ReadOnlyMemory<byte> blob, BlobKind kind, JobId job, int number)
    {
        ReadOnlySpan<byte> bytes = blob.Span;
        if (bytes.Length < 6) throw Damaged(kind, job, number, "is cut off");
        ReadOnlySpan<byte> content = bytes[..^4];
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Checksum(content, job, number))
            throw Damaged(kind, job, number, "does not match its checksum");
        if (content[0] > Version)
            throw new StoreException(
                StoreFault.Newer, $"Job {job} was written by a newer version of Granary. Use that version.");
        if (content[0] != Version || content[1] != (byte)kind) throw Damaged(kind, job, number, "is of another kind");
        return blob[2..^4];
    }

    public static StoreException Damaged(BlobKind kind, JobId job, int number, string what) => new(
        StoreFault.Corrupt,
        $"Job {job}: {kind} {number} {what}. Restore the database from a backup; 'granary verify' lists all damage.");

    private static uint Checksum(ReadOnlySpan<byte> bytes, JobId job, int number)
    {
        uint crc = BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, (ulong)job.Value), (uint)number);
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
