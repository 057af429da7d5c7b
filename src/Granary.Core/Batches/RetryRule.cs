namespace Granary.Batches;

/// <summary>What "run again what failed or was canceled" means for each kind of node.</summary>
internal static class RetryRule
{
    /// <summary>
    /// A task that did not succeed; a chain that did not; a batch that did not, or that holds such an item. A step that
    /// succeeded is never run again, so a batch inside a chain that went on keeps its failures as values.
    /// </summary>
    public static bool Needs(BatchState state, int node)
    {
        ref Node n = ref state.Nodes[node];
        if (!n.State.IsEnd()) return false;
        if (HasFailed(state, node)) return true;
        if (n.Kind != NodeKind.Batch) return false;
        Container c = state.Tree.ContainerOf(node);
        for (int child = node + 1; child < c.EndNode; child = state.Tree.After(child))
            if (Needs(state, child)) return true;
        return false;
    }

    private static bool HasFailed(BatchState state, int node) =>
        state.Nodes[node].State is JobState.Failed or JobState.Canceled;

    /// <summary>How many of the job's own items would run again.</summary>
    public static int Count(BatchState state)
    {
        int count = 0;
        for (int child = 1; child < state.Root.EndNode; child = state.Tree.After(child))
            if (state.Root.Kind == NodeKind.Chain ? HasFailed(state, child) : Needs(state, child)) count++;
        return count;
    }

    /// <summary>Opens a container that has ended, and in it what must run again.</summary>
    public static void Reopen(BatchState state, Container c, Instant at)
    {
        JobTree tree = state.Tree;
        tree.SetState(c.Node, JobState.Running, Reason.Children);
        c.ReachedAt = at;
        c.IsExpired = false;
        c.FirstBad = -1;
        if (c.Deadline is { } deadline) state.AddDue(DueKind.ContainerDeadline, c.Node, at + deadline);
        if (!c.IsReached)
        {
            ForgetOutcomes(state, c);
            state.Reach(c.Node, at);
        }
        else if (c.Kind == NodeKind.Chain)
        {
            ReopenChain(state, c, at);
        }
        else
        {
            for (int child = c.Node + 1; child < c.EndNode; child = tree.After(child))
                if (Needs(state, child)) ReopenChild(state, c, child, at);
        }
        state.NoteIfDone(c);
    }

    private static void ReopenChain(BatchState state, Container c, Instant at)
    {
        int resume = -1;
        for (int child = c.Node + 1; child < c.EndNode; child = state.Tree.After(child))
        {
            if (state.Nodes[child].State == JobState.Succeeded) continue;
            if (resume < 0) resume = child;
            else Forget(state, c, child);
        }
        if (resume >= 0) ReopenChild(state, c, resume, at);
    }

    private static void ReopenChild(BatchState state, Container parent, int child, Instant at)
    {
        CountOut(state, parent, child);
        ref Node n = ref state.Nodes[child];
        n.Ordinal = 0;
        if (n.IsLeaf)
        {
            state.Tree.SetState(child, JobState.Queued, Reason.Upstream);
            state.Reach(child, at);
        }
        else
        {
            Reopen(state, state.Tree.ContainerOf(child), at);
        }
    }

    // A later step of a chain: it waits for its turn again, with everything in it.
    private static void Forget(BatchState state, Container parent, int child)
    {
        CountOut(state, parent, child);
        ref Node n = ref state.Nodes[child];
        n.Ordinal = 0;
        state.Tree.SetState(child, JobState.Queued, Reason.Upstream);
        if (!n.IsLeaf) ForgetOutcomes(state, state.Tree.ContainerOf(child));
    }

    private static void ForgetOutcomes(BatchState state, Container c)
    {
        c.IsReached = c.IsExpired = false;
        for (int child = c.Node + 1; child < c.EndNode; child = state.Tree.After(child)) Forget(state, c, child);
    }

    private static void CountOut(BatchState state, Container parent, int child)
    {
        JobState was = state.Nodes[child].State;
        if (!was.IsEnd()) return;
        parent.EndedCount--;
        if (was == JobState.Failed) parent.FailedCount--;
        if (was == JobState.Canceled) parent.CanceledCount--;
        parent.FirstBad = -1;
    }
}
