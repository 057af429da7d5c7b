using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>Which index a job is in. Persisted: zero is invalid.</summary>
internal enum IndexKind : byte
{
    /// <summary>Jobs with something left to do, and staged ones. The tag is the phase.</summary>
    Open = 1,

    /// <summary>Finished jobs. The tag is the state.</summary>
    Ended = 2,
}

/// <summary>Where a job's entry is, and what it says at least: it may name an earlier time, never a later
/// one.</summary>
internal readonly record struct Place(IndexKind Index, int Depth, byte Tag, long At, uint Stamp)
{
    public IndexEntry Entry(JobId job) => new(job, Tag, At, Stamp);

    /// <summary>Whether who looks for the other finds this.</summary>
    public bool Covers(Place other) => Index == other.Index && Tag == other.Tag && At <= other.At;
}

/// <summary>One of a record's blobs: in the row or segment if it is small, else in states of its own.</summary>
internal readonly record struct Part(int Length, ReadOnlyMemory<byte>? Inline)
{
    public static Part Of(ReadOnlyMemory<byte> bytes, int maxInline) =>
        new(bytes.Length, bytes.Length <= maxInline ? bytes : default(ReadOnlyMemory<byte>?));

    public void Write(ByteWriter writer)
    {
        writer.Varint(((ulong)Length << 1) | (Inline is null ? 0UL : 1));
        if (Inline is { } bytes) writer.Raw(bytes.Span);
    }

    public static Part Read(ref ByteReader reader)
    {
        ulong length = reader.Varint();
        // No conditional expression: it would make of null an array, and of that a blob without bytes.
        if ((length & 1) == 0) return new Part((int)(length >> 1), null);
        return new Part((int)(length >> 1), reader.Raw((int)(length >> 1)).ToArray());
    }
}

/// <summary>A record as it is in a row or segment.</summary>
internal readonly record struct RecordParts(Part Events, Part Values);

/// <summary>
/// A job's row: one small state, whose conditional write is the commit. What it does not count does not exist. The
/// last few records are in the row itself, so that a small completion is one write.
/// </summary>
internal sealed record JobRow
{
    /// <summary>Written over a row that did not exist, so that whoever was about to write it finds out: there is no
    /// such job.</summary>
    public static readonly JobRow Void = new();

    public long Epoch { get; init; }

    public JobPhase Phase { get; init; } = JobPhase.Staged;

    public JobState State { get; init; } = JobState.Scheduled;

    /// <summary>Being removed; nobody sees it any more.</summary>
    public bool IsRemoved { get; init; }

    public string? Key { get; init; }

    /// <summary>In UTC ticks, as all times here.</summary>
    public long? DueAt { get; init; }

    public long? ExpiresAt { get; init; }

    public int Pages { get; init; }

    public int Records { get; init; }

    /// <summary>Records since the last full segment.</summary>
    public IReadOnlyList<RecordParts> Tail { get; init; } = [];

    public ReadOnlyMemory<byte> Header { get; init; }

    public ReadOnlyMemory<byte> Summary { get; init; }

    public Place? Place { get; init; }

    /// <summary>Of this one write, so that its writer knows it again after a lost answer.</summary>
    public ulong Nonce { get; init; }

    public bool IsVoid => Epoch == 0;

    /// <summary>Whether engines may see it.</summary>
    public bool IsVisible => !IsVoid && !IsRemoved && Phase != JobPhase.Staged;

    /// <summary>The entry it should have.</summary>
    public Place WantedPlace => Phase switch
    {
        JobPhase.Live => new Place(IndexKind.Open, Placing.Anywhere, (byte)Phase, DueAt ?? long.MaxValue, 0),
        JobPhase.Staged => new Place(IndexKind.Open, Placing.Anywhere, (byte)Phase, DueAt ?? 0, 0),
        JobPhase.Finished => new Place(
            IndexKind.Ended, Placing.Anywhere, (byte)State, ExpiresAt ?? long.MaxValue, 0),
    };

    public StoredJob ToStored(JobId job) => new(job, Epoch, Phase, Header, Summary);

    public ByteWriter Write()
    {
        var writer = new ByteWriter(128 + Header.Length + Summary.Length);
        writer.Signed(Epoch);
        writer.Byte((byte)Phase);
        writer.Byte((byte)State);
        writer.Byte(IsRemoved ? (byte)1 : (byte)0);
        writer.Byte(Key is null ? (byte)0 : (byte)1);
        if (Key is not null) writer.Text(Key);
        WriteTime(writer, DueAt);
        WriteTime(writer, ExpiresAt);
        writer.Count(Pages);
        writer.Count(Records);
        WriteRecords(writer, Tail);
        writer.Block(Header.Span);
        writer.Block(Summary.Span);
        writer.Byte((byte)(Place?.Index ?? 0));
        if (Place is { } place)
        {
            writer.Count(place.Depth);
            writer.Byte(place.Tag);
            writer.Signed(place.At);
            writer.Varint(place.Stamp);
        }
        writer.Varint(Nonce);
        return writer;
    }

    public static JobRow Read(ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        var row = new JobRow
        {
            Epoch = reader.Signed(),
            Phase = reader.Enum<JobPhase>(),
            State = reader.Enum<JobState>(),
            IsRemoved = reader.Byte() != 0,
            Key = reader.Byte() != 0 ? reader.Text() : null,
            DueAt = ReadTime(ref reader),
            ExpiresAt = ReadTime(ref reader),
            Pages = reader.Count(),
            Records = reader.Count(),
            Tail = ReadRecords(ref reader),
            Header = reader.Block().ToArray(),
            Summary = reader.Block().ToArray(),
            Place = ReadPlace(ref reader),
            Nonce = reader.Varint(),
        };
        return reader.AtEnd ? row : throw ByteReader.Damaged();
    }

    public static void WriteRecords(ByteWriter writer, IReadOnlyList<RecordParts> records)
    {
        writer.Count(records.Count);
        foreach (RecordParts record in records)
        {
            record.Events.Write(writer);
            record.Values.Write(writer);
        }
    }

    public static RecordParts[] ReadRecords(ref ByteReader reader)
    {
        var records = new RecordParts[Math.Min(reader.Count(), JobParts.RecordsPerSegment)];
        for (int i = 0; i < records.Length; i++)
            records[i] = new RecordParts(Part.Read(ref reader), Part.Read(ref reader));
        return records;
    }

    private static Place? ReadPlace(ref ByteReader reader)
    {
        byte index = reader.Byte();
        return index == 0
            ? null
            : new Place(
                (IndexKind)index, reader.Count(), reader.Byte(), reader.Signed(), (uint)reader.Varint());
    }

    private static void WriteTime(ByteWriter writer, long? time)
    {
        writer.Byte(time is null ? (byte)0 : (byte)1);
        if (time is { } ticks) writer.Signed(ticks);
    }

    private static long? ReadTime(ref ByteReader reader) => reader.Byte() == 0 ? null : reader.Signed();
}
