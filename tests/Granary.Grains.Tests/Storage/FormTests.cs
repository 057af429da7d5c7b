using Granary.Engines;
using Granary.Stores;
using Xunit;

namespace Granary.Grains.Tests.Storage;

/// <summary>The persisted form of rows and index pages: what was written stays readable.</summary>
public sealed class FormTests
{
    private const string Row =
        "0602040001076E696768746C7901D00F00021202050102E0C50801010203040105010202880E4D58";
    private const string Node =
        "00818002028080800102D00F071203FEFFFFFFFFFFFFFFFF01FFFFFFFF0F";

    [Fact]
    public void A_row_is_written_as_before_and_read_as_it_was()
    {
        var row = new JobRow
        {
            Epoch = 3,
            Phase = JobPhase.Live,
            State = JobState.Waiting,
            Key = "nightly",
            DueAt = 1_000,
            Pages = 2,
            Records = 18,
            Tail = [new RecordParts(new Part(2, new byte[] { 1, 2 }), new Part(70_000, null)),
                new RecordParts(new Part(0, Array.Empty<byte>()), new Part(0, Array.Empty<byte>()))],
            Header = new byte[] { 3, 4 },
            Summary = new byte[] { 5 },
            Place = new Place(IndexKind.Open, 2, (byte)JobPhase.Live, 900, 77),
            Nonce = 88,
        };
        byte[] written = row.Write().Written.ToArray();
        Assert.Equal(Row, Convert.ToHexString(written));
        Assert.Equal(Row, Convert.ToHexString(JobRow.Read(written).Write().Written));
    }

    [Fact]
    public void A_page_of_an_index_is_written_as_before_and_read_as_it_was()
    {
        var node = new IndexNode(
            [
                new IndexEntry(new JobId(1 << 20), 2, 1_000, 7),
                new IndexEntry(new JobId(9), 3, long.MaxValue, uint.MaxValue),
            ],
            children: 0x8001, isCut: false);
        byte[] written = node.Write().Written.ToArray();
        Assert.Equal(Node, Convert.ToHexString(written));
        Assert.Equal(Node, Convert.ToHexString(IndexNode.Read(written).Write().Written));
    }
}
