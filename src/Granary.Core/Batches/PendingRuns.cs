namespace Granary.Batches;

/// <summary>
/// Finds the leaves of a container that are neither running nor ended, as runs of neighbors under one parent.
/// </summary>
internal static class PendingRuns
{
    /// <param name="state">The job; <paramref name="end"/> changes it.</param>
    /// <param name="c">Where to look.</param>
    /// <param name="reason">Why they end. <see cref="Reason.BeforeStart"/> is made more precise for what had
    /// begun.</param>
    /// <param name="end">Ends a run: its first node, its length, and the reason.</param>
    public static void End(BatchState state, Container c, Reason reason, Action<int, int, Reason> end)
    {
        int first = -1, length = 0;
        Reason why = reason;
        for (int node = c.Node + 1; node < c.EndNode; node++)
        {
            ref Node n = ref state.Nodes[node];
            bool pending = IsPending(state, node, n);
            Reason its = pending ? Precise(n, reason) : reason;
            bool joins = length > 0 && node == first + length && n.Parent == state.Nodes[first].Parent && its == why;
            if (pending && joins && n.Attempts == 0 && state.Nodes[first].Attempts == 0)
            {
                length++;
                continue;
            }
            if (length > 0) end(first, length, why);
            length = pending ? 1 : 0;
            (first, why) = (node, its);
        }
        if (length > 0) end(first, length, why);
    }

    // An empty batch or chain that is never reached has nothing in it that could end it.
    private static bool IsPending(BatchState state, int node, in Node n) =>
        (n.State is JobState.Queued or JobState.Waiting) && (n.IsLeaf || state.Tree.ContainerOf(node).ChildCount == 0);

    private static Reason Precise(in Node n, Reason reason) =>
        reason != Reason.BeforeStart ? reason
        : n.Kind == NodeKind.Wait && n.State == JobState.Waiting ? Reason.Stopped
        : n.Attempts > 0 ? Reason.BetweenAttempts
        : Reason.BeforeStart;
}
