using System.Buffers.Binary;
using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Activations;

/// <summary>
/// Appends items to an open batch: pages and event are one write, so an append is all there or not at all.
/// </summary>
internal sealed class Appender(EngineContext engine, List<Item> items, string? key)
{
    /// <summary>In a turn.</summary>
    public AppendReceipt Append(Activation activation, Instant now)
    {
        BatchState state = activation.Machine.State;
        uint hash = key is null ? 0 : HashOf(state.Header);
        if (key is not null && state.Appends.TryGetValue(key, out (AppendReceipt Receipt, uint ContentHash) before))
        {
            if (before.ContentHash == hash && before.Receipt.Count == items.Count) return before.Receipt;
            throw new RefusedException(Refusal.KeyConflict,
                $"The key '{key}' appended {before.Receipt.Count:N0} other items before; "
                + $"this time there are {items.Count:N0}. Use another key.");
        }
        Refusals.Check(activation.Machine.CheckAppend(), activation.Job);
        var receipt = new AppendReceipt(state.Root.ChildCount, items.Count);
        int firstPage = state.Tree.PageCount;
        List<StoredPage> pages = Write(state.Header, firstPage, state.Nodes.Count, receipt.FirstIndex);
        foreach (StoredPage page in pages) state.Tree.AddPage(page);
        activation.AddPages(pages);
        activation.Machine.Append(firstPage, receipt, key ?? "", hash, now);
        return receipt;
    }

    private List<StoredPage> Write(JobHeader header, int firstPage, int firstNode, int firstIndex)
    {
        var writer = new PageWriter(
            header, firstPage, firstNode, name => engine.Handlers.Find(name) is not null,
            engine.Options.MaxArgumentBytes);
        for (int i = 0; i < items.Count; i++) writer.Add(items[i], firstIndex + i);
        return writer.Finish();
    }

    // The pages' checksums, as they would be at the beginning of the job, stand for the content.
    private uint HashOf(JobHeader header)
    {
        uint hash = 17;
        foreach (StoredPage page in Write(header, 0, 1, 0))
            hash = (hash * 31 + Last(page.Shape)) * 31 + Last(page.Args);
        return hash;
    }

    private static uint Last(ReadOnlyMemory<byte> blob) => BinaryPrimitives.ReadUInt32LittleEndian(blob.Span[^4..]);
}
