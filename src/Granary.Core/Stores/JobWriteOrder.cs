namespace Granary.Stores;

/// <summary>What every store checks of a write's numbers.</summary>
internal static class JobWriteOrder
{
    /// <summary>Whether the pages and the record go on, without gap or overlap, where so many of each are
    /// stored.</summary>
    public static bool Follows(this JobWrite write, int pages, int records)
    {
        for (int i = 0; i < write.Pages.Count; i++)
            if (write.Pages[i].Number != pages + i) return false;
        return write.Record is null || write.Record.Number == records;
    }
}
