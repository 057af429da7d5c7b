using Granary.Engines;

namespace Granary.Embedded;

/// <summary>Waiting until one of some tokens fires, without an exception.</summary>
internal static class Patience
{
    public static Task Until(params ReadOnlySpan<CancellationToken> tokens)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (CancellationToken token in tokens)
            token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), fired);
        return fired.Task;
    }
}

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
