using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;

namespace Granary.Simulation.Checks;

/// <summary>The rules of a job's log, node by node: brute force instead of queues and counters.</summary>
internal sealed class AuditRules(AuditTree tree, Func<bool> mayJumpBack, Action<string, string> violate)
{
    private bool _isCanceled;
    private bool _isCancelingAll;

    private AuditNode Root => tree.Root;

    public static void Reach(AuditNode node, Instant at)
    {
        if (node.IsEnded) return;
        switch (node.Kind)
        {
            case NodeKind.Task:
                node.Standing = Standing.Ready;
                return;
            case NodeKind.Wait:
                (node.Standing, node.DueAt) = (Standing.Waiting, at + node.Wait);
                return;
            default:
                (node.Standing, node.ReachedAt) = (Standing.Open, at);
                break;
        }
        if (node.Kind == NodeKind.Batch) node.Children.ForEach(child => Reach(child, at));
        else if (node.Children.Count > 0) Reach(node.Children[0], at);
    }

    public void Start(AuditNode node, in JobEvent e)
    {
        if (node.Kind != NodeKind.Task || node.Standing is not (Standing.Ready or Standing.Waiting))
            violate("R4", $"{node} is started");
        if (node.Standing == Standing.Waiting && e.At < node.DueAt && !mayJumpBack())
            violate("R6", $"{node} is started before its pause is over");
        if (e.Number != node.Attempts + 1) violate("R4", $"attempt {e.Number} of {node} is started");
        if (_isCanceled && !node.IsInterrupted) violate("T1", $"{node} is started after a cancel");
        if (node.IsUnderDoom && !node.IsInterrupted)
            violate("R5", $"{node} is started, and what is around it has failed");
        if (node.Interruptions > node.Profile?.MaxInterruptions)
            violate("R7", $"{node} is started after {node.Interruptions} deaths");
        for (AuditNode? around = node.Parent; around is not null; around = around.Parent)
        {
            if (around.IsPaused) violate("T2", $"{node} is started during a pause");
            if (around.InUse >= around.Max)
                violate("R1", $"{node} is started as number {around.InUse + 1} of {around.Max} in {around}");
        }
        foreach (AuditNode other in tree.Nodes)
        {
            if (other == node) break;
            if (other.Kind == NodeKind.Task && other.Standing == Standing.Ready && HasSlot(other))
                violate("R2", $"{node} is started before {other}");
        }
        node.Standing = Standing.Running;
        node.Attempts = e.Number;
        (node.IsParked, node.IsInterrupted) = (false, false);
        node.FirstStart ??= e.At;
        for (AuditNode? around = node.Parent; around is not null; around = around.Parent) around.InUse++;
    }

    public void Complete(AuditNode node, in JobEvent e)
    {
        if (node.IsEnded) violate("I2", $"{node} is completed again, as {e.State} ({e.Reason})");
        for (int i = 0; node.Parent?.Kind == NodeKind.Chain && e.State == JobState.Succeeded && i < node.Index; i++)
            if (node.Parent.Children[i] is not { IsEnded: true, Outcome: JobState.Succeeded })
                violate("C1", $"{node} succeeds, and {node.Parent.Children[i]} has not");
        if (!e.State.IsEnd()) violate("R4", $"{node} is completed as {e.State}");
        switch (node.Kind)
        {
            case NodeKind.Task:
                CheckTask(node, e);
                break;
            case NodeKind.Wait:
                if (e.State == JobState.Succeeded && (node.Standing != Standing.Waiting || e.At < node.DueAt))
                    violate("C3", $"{node} ends at {e.At}, and is due at {node.DueAt}");
                else if (e.State != JobState.Succeeded)
                    CheckEndedEarly(node, e);
                break;
            default:
                if (e.Kind == EventKind.Completed) CheckContainer(node, e);
                else CheckEndedEarly(node, e);
                break;
        }
        LeaveSlot(node);
        (node.Standing, node.Outcome) = (Standing.Ended, e.State);
        (node.Failures, node.Interruptions, node.FirstStart) = (0, 0, null);
        (node.IsParked, node.IsInterrupted) = (false, false);
        if (node.Parent == Root && Root.IsDoomed && Root.Kind == NodeKind.Batch) Root.IsComplete = true;
        if (e.State != JobState.Succeeded || node.Parent is not { Kind: NodeKind.Chain } chain) return;
        if (node.Index + 1 < chain.Children.Count) Reach(chain.Children[node.Index + 1], e.At);
    }

    /// <summary>What was running starts again, unless it was asked to stop.</summary>
    public void Recover()
    {
        foreach (AuditNode node in tree.Nodes)
        {
            if (node.Standing is Standing.Running or Standing.Canceling) node.Interruptions++;
            if (node.Standing == Standing.Running || node.IsParked)
            {
                Requeue(node);
            }
            else if (node.Standing == Standing.Canceling)
            {
                LeaveSlot(node);
                node.Standing = Standing.Stopped;
            }
        }
    }

    public void Cancel(CancelScope scope)
    {
        if (_isCancelingAll || (_isCanceled && scope == CancelScope.Pending)) violate("T1", "is canceled again");
        _isCanceled = true;
        if (scope != CancelScope.All) return;
        _isCancelingAll = true;
        foreach (AuditNode node in tree.Nodes)
            if (node.Standing == Standing.Running) node.Standing = Standing.Canceling;
    }

    public void Expire(AuditNode node, Instant at)
    {
        Instant? due = node.IsLeaf ? node.FirstStart + node.Profile?.Deadline : node.ReachedAt + node.Deadline;
        if (node.IsEnded || due is null || at < due)
            violate("R6", $"the deadline of {node} passes at {at}, and is due at {due}");
        node.IsExpired = true;
        if (node == Root) node.IsComplete = true;
        foreach (AuditNode other in tree.Nodes)
        {
            if (other.IsEnded || !other.IsIn(node)) continue;
            bool runs = other.Standing is Standing.Running or Standing.Canceling;
            if (runs) other.Standing = Standing.Canceling;
            other.IsExpired |= runs || !other.IsLeaf;
        }
    }

    public void Pause(AuditNode node, in JobEvent e)
    {
        if (node.Standing != Standing.Running) violate("R6", $"{node} is retried");
        if (_isCanceled || node.IsUnderDoom) violate("R6", $"{node} is retried after a cancel or a failure around it");
        if (node.Failures++ >= node.Profile?.Retries) violate("R6", $"{node} is retried for the {node.Failures}. time");
        LeaveSlot(node);
        (node.Standing, node.DueAt) = (Standing.Waiting, e.At + e.Span);
    }

    public void Park(AuditNode node, in JobEvent e)
    {
        if (node.Standing != Standing.Running) violate("R8", $"{node} waits for a handler");
        LeaveSlot(node);
        (node.Standing, node.DueAt, node.IsParked) = (Standing.Waiting, e.At + e.Span, true);
    }

    public void Release(AuditNode node)
    {
        if (node.Standing != Standing.Running) violate("R7", $"{node} is given back");
        Requeue(node);
    }

    /// <summary>What failed or was canceled runs again; what succeeded does not.</summary>
    public void Retry(AuditNode container, Instant at)
    {
        if (container == Root) _isCanceled = _isCancelingAll = false;
        bool wasReached = container.ReachedAt != default;
        (container.Standing, container.IsExpired) = (Standing.Open, false);
        if (!wasReached)
        {
            container.Children.ForEach(Forget);
            Reach(container, at);
            return;
        }
        container.ReachedAt = at;
        bool isFirst = true;
        foreach (AuditNode child in container.Children)
        {
            if (container.Kind == NodeKind.Chain)
            {
                if (child.Outcome == JobState.Succeeded) continue;
                if (!isFirst)
                {
                    Forget(child);
                    continue;
                }
                isFirst = false;
            }
            else if (!Needs(child))
            {
                continue;
            }
            child.IsExpired = false;
            child.Standing = Standing.NotReached;
            if (child.IsLeaf) Reach(child, at);
            else Retry(child, at);
        }
    }

    /// <summary>After a record: whatever the events made necessary is in the same record.</summary>
    public void CheckSettled()
    {
        foreach (AuditNode node in tree.Nodes)
        {
            if (!node.IsLeaf && node.Standing == Standing.Open && node.IsComplete
                && node.Children.TrueForAll(child => child.IsEnded))
                violate("R4", $"everything in {node} has ended, and it has not");
            if (node.IsLeaf && node.IsPending && !node.IsInterrupted && (_isCanceled || node.IsUnderDoom))
                violate("T1", $"{node} is left over by a cancel, a deadline or a failure around it");
            if (node.Standing == Standing.Stopped) violate("R7", $"{node} had been asked to stop, and does not end");
            if (node.Standing == Standing.Running && _isCancelingAll) violate("T1", $"{node} is not asked to stop");
        }
    }

    private void CheckTask(AuditNode node, in JobEvent e)
    {
        if (e.Number != node.Attempts) violate("R4", $"{node} is completed by attempt {e.Number}");
        bool canceling = node.Standing is Standing.Canceling or Standing.Stopped;
        if (node.Standing != Standing.Running && !canceling)
        {
            bool gone = node.IsParked && e is { State: JobState.Failed, Reason: Reason.NoHandler }
                && e.At >= node.DueAt;
            bool dead = e is { State: JobState.Failed, Reason: Reason.Interrupted }
                && node.Interruptions > node.Profile!.MaxInterruptions;
            if (!gone && !dead) CheckEndedEarly(node, e);
            return;
        }
        bool allowed = e.State switch
        {
            JobState.Succeeded => e.Reason == (canceling ? Reason.FinishedAnyway : Reason.None),
            JobState.Canceled => canceling && !node.IsExpired && e.Reason is Reason.Stopped or Reason.Abandoned,
            _ when canceling =>
                node.IsExpired ? e.Reason == Reason.DeadlineExceeded : e.Reason == Reason.FinishedAnyway,
            _ => e.Reason is Reason.None or Reason.ResultTooLarge or Reason.TimedOut or Reason.NoHandler,
        };
        if (!allowed) violate("T1", $"{node} is completed as {e.State} ({e.Reason})");
        if (e.Reason != Reason.TimedOut) return;
        if (node.Profile!.Timeout is null) violate("R6", $"{node} timed out, and has no timeout");
        else if (node.Failures < node.Profile.Retries && !_isCanceled && !node.IsUnderDoom)
            violate("R6", $"{node} is not retried");
    }

    // It did not run: something else must have ended it.
    private void CheckEndedEarly(AuditNode node, in JobEvent e)
    {
        bool allowed = (e.State, e.Reason) switch
        {
            (JobState.Canceled, Reason.BeforeStart or Reason.BetweenAttempts or Reason.Stopped) => _isCanceled,
            (JobState.Canceled, Reason.UpstreamFailed or Reason.SiblingFailed) => node.IsUnderDoom,
            (JobState.Failed, Reason.DeadlineExceeded) => node.IsExpired || node.IsUnderDoom,
            _ => false,
        };
        if (!allowed) violate("T1", $"{node} is completed as {e.State} ({e.Reason})");
    }

    private void CheckContainer(AuditNode node, in JobEvent e)
    {
        if (!node.IsComplete || !node.Children.TrueForAll(child => child.IsEnded))
            violate("R4", $"{node} is completed before all in it");
        bool failed = node.HasEnded(JobState.Failed), canceled = node.HasEnded(JobState.Canceled);
        JobState expected =
            node.IsExpired && (failed || canceled) ? JobState.Failed
            : node.Kind == NodeKind.Chain ? failed ? JobState.Failed : canceled ? JobState.Canceled : JobState.Succeeded
            : failed && node.OnFailure == FailurePolicy.CancelPending ? JobState.Failed
            : canceled ? JobState.Canceled : JobState.Succeeded;
        if (e.State != expected)
            violate("R5", $"{node} is completed as {e.State} ({e.Reason}), and should be {expected}");
    }

    private static bool HasSlot(AuditNode node)
    {
        if (node.IsUnderDoom && !node.IsInterrupted) return false;
        for (AuditNode? around = node.Parent; around is not null; around = around.Parent)
            if (around.IsPaused || around.InUse >= around.Max) return false;
        return true;
    }

    private static bool Needs(AuditNode node) =>
        node.Outcome != JobState.Succeeded || (node.Kind == NodeKind.Batch && node.Children.Exists(Needs));

    private static void Forget(AuditNode node)
    {
        (node.Standing, node.IsExpired, node.ReachedAt) = (Standing.NotReached, false, default);
        node.Children.ForEach(Forget);
    }

    private static void Requeue(AuditNode node)
    {
        LeaveSlot(node);
        node.IsInterrupted = node.Standing is Standing.Running;
        (node.Standing, node.IsParked) = (Standing.Ready, false);
    }

    private static void LeaveSlot(AuditNode node)
    {
        if (node.Standing is not (Standing.Running or Standing.Canceling)) return;
        for (AuditNode? around = node.Parent; around is not null; around = around.Parent) around.InUse--;
    }
}
