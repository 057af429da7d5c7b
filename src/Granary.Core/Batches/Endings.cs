using Granary.Persistence;

namespace Granary.Batches;

/// <summary>The events that end something, as the batch machine emits them.</summary>
internal static class Endings
{
    public static JobEvent OfAttempt(
        BatchState state, int node, JobState end, Reason reason, in AttemptResult result, Instant now) => new()
        {
            Kind = EventKind.Completed,
            At = now,
            Node = node,
            State = end,
            Reason = reason,
            Number = state.Nodes[node].Attempts,
            Span = result.Duration < TimeSpan.Zero ? TimeSpan.Zero : result.Duration,
            Item = ItemOf(state, node),
            Source = end == JobState.Succeeded ? new ValueRef(ValueKind.Inline) : ValueRef.None,
            Value = end == JobState.Succeeded ? result.Value : default,
            Error = end == JobState.Failed ? result.Error : null,
            Text = result.Place,
        };

    public static JobEvent OfWait(BatchState state, int node, Instant now) => new()
    {
        Kind = EventKind.Completed,
        At = now,
        Node = node,
        State = JobState.Succeeded,
        Reason = Reason.None,
        Span = now - (state.DueAt[node] - state.Tree.WaitOf(node)),
        Item = ItemOf(state, node),
        Source = state.Tree.InputOf(node),
        Text = "",
    };

    public static JobEvent OfContainer(
        BatchState state, Container c, JobState end, Reason reason, ValueRef source, Instant now) => new()
        {
            Kind = EventKind.Completed,
            At = now,
            Node = c.Node,
            State = end,
            Reason = reason,
            Number = c.IsReached ? 1 : 0,
            Span = c.IsReached && now > c.ReachedAt ? now - c.ReachedAt : TimeSpan.Zero,
            Item = ItemOf(state, c.Node),
            Source = source,
            Text = "",
        };

    /// <summary>
    /// Neighbors that end without having run. One that was tried before says how often, so it is recorded by itself.
    /// </summary>
    public static JobEvent OfRange(
        BatchState state, int first, int count, JobState end, Reason reason, Instant now) => new()
        {
            Kind = state.Nodes[first].Attempts > 0 ? EventKind.Completed : EventKind.EndedRange,
            At = now,
            Node = first,
            Number = state.Nodes[first].Attempts > 0 ? state.Nodes[first].Attempts : count,
            State = end,
            Reason = reason,
            Item = ItemOf(state, first),
            Source = ValueRef.None,
            Text = "",
        };

    private static int ItemOf(BatchState state, int node) =>
        node > 0 && state.Nodes[node].Parent == 0 ? state.Nodes[node].Index : -1;
}
