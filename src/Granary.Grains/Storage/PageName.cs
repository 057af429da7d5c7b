namespace Granary.Grains;

/// <summary>A page of an index: the one for ids that begin with these bits, four for each level below the
/// root.</summary>
internal readonly record struct PageName(int Depth, ulong Prefix)
{
    /// <summary>Pages right below a page.</summary>
    public const int Children = 1 << Bits;

    private const int Bits = 4;
    private const int Levels = 64 / Bits;

    public static PageName Root => default;

    /// <summary>Ids have no more bits: there are no pages below, and one job.</summary>
    public bool IsLast => Depth == Levels;

    public PageName Above => new(Depth - 1, Prefix >> Bits);

    /// <summary>Which of the pages below the one above this is.</summary>
    public int Place => (int)Prefix & (Children - 1);

    /// <summary>The first id of it.</summary>
    public long First => Depth == 0 ? 0 : (long)(Prefix << (64 - (Bits * Depth)));

    public static PageName Of(JobId job, int depth) =>
        new(depth, depth == 0 ? 0 : (ulong)job.Value >> (64 - (Bits * depth)));

    public PageName Below(int child) => new(Depth + 1, (Prefix << Bits) | (uint)child);

    public int ChildOf(JobId job) => IsLast ? 0 : Of(job, Depth + 1).Place;
}
