namespace Granary;

/// <summary>What <see cref="BatchHandle{T}.WaitAsync"/> waits for (asyncio: <c>return_when</c>).</summary>
public enum WaitFor
{
    /// <summary>The first outcome of any kind, or the end (asyncio: <c>FIRST_COMPLETED</c>).</summary>
    First = 1,

    /// <summary>The first outcome that is Failed, or the end (asyncio: <c>FIRST_EXCEPTION</c>).</summary>
    FirstException = 2,

    /// <summary>The end (asyncio: <c>ALL_COMPLETED</c>).</summary>
    All = 3,
}

/// <summary>A batch at the end of a wait: <c>var (done, pending) = await batch.WaitAsync(…)</c>.</summary>
/// <param name="Done">The outcomes that are there, in submission order.</param>
/// <param name="Pending">The indexes of the items that have none yet, in order;
/// <see cref="JobHandle.ListPendingAsync"/> says why.</param>
public sealed record BatchWait<T>(IReadOnlyList<TaskOutcome<T>> Done, IReadOnlyList<int> Pending);
