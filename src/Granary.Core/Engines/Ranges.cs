using Granary.Engines;

namespace Granary.Engines;

/// <summary>The ranges of paging requests.</summary>
internal static class Ranges
{
    /// <exception cref="RefusedException">One is out of range.</exception>
    public static void Check(int from, int max)
    {
        if (from < 0) throw new RefusedException(Refusal.Invalid, $"The position is {from}; it begins at 0.");
        if (max is < 1 or > 100_000) throw new RefusedException(Refusal.Invalid, $"max is {max}; use 1 to 100,000.");
    }
}
