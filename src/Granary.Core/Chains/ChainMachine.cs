using Granary.Batches;
using Granary.Persistence;

namespace Granary.Chains;

/// <summary>The rules of a chain: one step after another, each given what the one before it came to.</summary>
internal static class ChainMachine
{
    /// <summary>
    /// A step succeeded: its value becomes the chain's, and the next step is reached. By then the outcome is
    /// recorded; that it is also durable before the next step starts is asked for by <see
    /// cref="JobTree.IsDownstream"/>.
    /// </summary>
    public static void Advance(BatchState state, Container chain, int step, Instant at)
    {
        chain.Value = ValueOf(state, chain, step);
        int next = state.Tree.After(step);
        if (next < chain.EndNode) state.Reach(next, at);
    }

    /// <summary>How a chain ends whose steps have all ended: as its last step, or as the step that broke it.</summary>
    public static (JobState State, Reason Reason, ValueRef Source) Outcome(BatchState state, Container chain)
    {
        if (chain.IsExpired && chain.FailedCount + chain.CanceledCount > 0)
            return (JobState.Failed, Reason.DeadlineExceeded, ValueRef.None);
        if (chain.FirstBad < 0) return (JobState.Succeeded, Reason.None, chain.Value);
        ref Node bad = ref state.Nodes[chain.FirstBad];
        return bad.State == JobState.Failed
            ? (JobState.Failed, bad.Reason, new ValueRef(ValueKind.Earlier, bad.Ordinal))
            : (JobState.Canceled, bad.Reason, ValueRef.None);
    }

    private static ValueRef ValueOf(BatchState state, Container chain, int step)
    {
        ref Node n = ref state.Nodes[step];
        return n.Kind switch
        {
            NodeKind.Task => new ValueRef(ValueKind.Earlier, n.Ordinal),
            NodeKind.Wait => chain.Value,
            NodeKind.Chain => state.Tree.ContainerOf(step).Value,
            NodeKind.Batch => new ValueRef(ValueKind.Items, step),
        };
    }
}
