using Granary.Persistence;

namespace Granary.Batches;

/// <summary>How a batch ends whose items have all ended.</summary>
internal static class BatchOutcome
{
    /// <summary>
    /// Under <see cref="FailurePolicy.Continue"/> failures are values, so the batch succeeds with the ordered
    /// outcomes. It fails when its policy or its deadline ended it early, and is canceled when items of it were.
    /// </summary>
    public static (JobState State, Reason Reason, ValueRef Source) Of(BatchState state, Container batch)
    {
        if (batch.IsExpired && batch.FailedCount + batch.CanceledCount > 0)
            return (JobState.Failed, Reason.DeadlineExceeded, ValueRef.None);
        if (batch.OnFailure == FailurePolicy.CancelPending && batch.FailedCount > 0)
            return (JobState.Failed, Reason.SiblingFailed, FirstBad(state, batch));
        if (batch.CanceledCount > 0)
            return (JobState.Canceled, FirstCanceled(state, batch), ValueRef.None);
        Reason reason = batch.Node == 0 ? state.SealReason : Reason.None;
        return (JobState.Succeeded, reason, new ValueRef(ValueKind.Items, batch.Node));
    }

    private static ValueRef FirstBad(BatchState state, Container batch) =>
        new(ValueKind.Earlier, state.Nodes[batch.FirstBad].Ordinal);

    private static Reason FirstCanceled(BatchState state, Container batch)
    {
        for (int child = batch.Node + 1; child < batch.EndNode; child = state.Tree.After(child))
            if (state.Nodes[child].State == JobState.Canceled) return state.Nodes[child].Reason;
        return Reason.BeforeStart;
    }
}
