using Granary.Persistence;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>A job in an index.</summary>
/// <param name="Job">The job.</param>
/// <param name="Tag">What is known of it; the tree's owner says what that means.</param>
/// <param name="At">When somebody has to look at it, at the latest, in UTC ticks.</param>
/// <param name="Stamp">Changes whenever the entry comes to cover more than before.</param>
internal readonly record struct IndexEntry(JobId Job, byte Tag, long At, uint Stamp);

/// <summary>One page of an index: entries of jobs whose ids begin alike, and which of the 16 pages below it
/// exist.</summary>
internal sealed class IndexNode
{
    /// <summary>Entries of a page: so it has some 6 KiB.</summary>
    public const int Capacity = 256;

    /// <summary>A page that does not exist.</summary>
    public static readonly IndexNode None = new([], 0, isCut: true);

    public IndexNode(IReadOnlyList<IndexEntry> entries, ushort children, bool isCut) =>
        (Entries, Children, IsCut) = (entries, children, isCut);

    public IReadOnlyList<IndexEntry> Entries { get; }

    /// <summary>One bit for each page below.</summary>
    public ushort Children { get; }

    /// <summary>The page above may not know of this one: who writes to it sees to that.</summary>
    public bool IsCut { get; }

    public bool IsEmpty => Entries.Count == 0 && Children == 0;

    public ByteWriter Write()
    {
        var writer = new ByteWriter(16 + (Entries.Count * 24));
        writer.Byte(IsCut ? (byte)1 : (byte)0);
        writer.Count(Children);
        writer.Count(Entries.Count);
        foreach (IndexEntry entry in Entries)
        {
            writer.Signed(entry.Job.Value);
            writer.Byte(entry.Tag);
            writer.Signed(entry.At);
            writer.Varint(entry.Stamp);
        }
        return writer;
    }

    public static IndexNode Read(ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        bool isCut = reader.Byte() != 0;
        ushort children = (ushort)reader.Count();
        int count = reader.Count();
        var entries = new List<IndexEntry>(Math.Min(count, Capacity));
        while (count-- > 0)
            entries.Add(new IndexEntry(
                new JobId(reader.Signed()), reader.Byte(), reader.Signed(), (uint)reader.Varint()));
        return reader.AtEnd ? new IndexNode(entries, children, isCut) : throw ByteReader.Damaged();
    }
}
