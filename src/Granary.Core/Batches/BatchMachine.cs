using Granary.Chains;
using Granary.Engines;
using Granary.Persistence;

namespace Granary.Batches;

/// <summary>
/// The rules of one job. Each method is a command: it is given the time, decides, emits events (which change the
/// state and go into the record that the shell makes durable), and leaves effects for the shell to carry out. It
/// reads no clock, waits for nothing and holds no storage, so a simulation can drive it through anything.
/// </summary>
internal sealed class BatchMachine
{
    /// <summary>
    /// Starts after a takeover that wait until they are recorded, so that a task that kills its process at once is
    /// charged for it: twice what a shell may run ahead of its records (<see cref="StartLimit"/>).
    /// </summary>
    private const int CautiousStarts = 2 * StartLimit;

    /// <summary>Starts that may be ahead of the records: enough to keep handlers busy through a commit.</summary>
    public const int StartLimit = 4096;

    private readonly RecordWriter _record;
    private int _cautious;

    public BatchMachine(BatchState state, RecordWriter record)
    {
        State = state;
        _record = record;
    }

    public BatchState State { get; }

    /// <summary>What the shell has to do; it clears the list.</summary>
    public List<Effect> Effects { get; } = [];

    /// <summary>
    /// A command has been decided that is not durable yet, as far as the shell has said: what starts must not outrun
    /// it.
    /// </summary>
    public bool IsSteered { get; set; }

    /// <summary>Commands decided so far, so that the shell sees when there is a new one.</summary>
    public int Steerings { get; private set; }

    /// <summary>Nothing new starts here: the engine is stopping, or only takes commands.</summary>
    public bool IsHeld { get; set; }

    /// <summary>How many more attempts may start before the shell has made something durable.</summary>
    public int StartAllowance { get; set; } = StartLimit;

    /// <summary>How long a task waits for a handler that is missing.</summary>
    public TimeSpan MissingHandlerTimeout { get; init; } = JobDefaults.MissingHandlerTimeout;

    /// <summary>A new job: its pages are in the tree.</summary>
    public void Submit(Instant now)
    {
        Emit(new JobEvent { Kind = EventKind.Submitted, At = now, Pages = (0, State.Tree.PageCount) });
        Begin(now);
    }

    /// <summary>A job begins, unless it is to begin later.</summary>
    public void Begin(Instant now)
    {
        if (!State.IsBegun && !State.IsEnded && State.Header.Spec.Delay <= TimeSpan.Zero)
            Emit(new JobEvent { Kind = EventKind.Begun, At = now });
        Settle(now);
    }

    /// <summary>
    /// This machine has taken the job over from a holder that is gone: what was running starts again.
    /// </summary>
    public void Recover(Instant now)
    {
        if (State.Running.Count > 0 || State.DueAt.Count > 0)
        {
            int[] interrupted = [.. State.Running.Keys];
            Array.Sort(interrupted);
            Emit(new JobEvent { Kind = EventKind.Recovered, At = now });
            foreach (int node in interrupted) EndInterrupted(node, now);
        }
        _cautious = CautiousStarts;
        Begin(now);
    }

    /// <summary>
    /// This machine has taken the job over from a holder that is gone, and workers elsewhere may go on with what was
    /// running: each attempt reports in the end, or is found to be lost (<see cref="AttemptEnd.Lost"/>).
    /// </summary>
    public void Adopt(Instant now)
    {
        _cautious = CautiousStarts;
        Unpark(now);
        Begin(now);
    }

    /// <summary>There may be workers now that have the handlers that were missing.</summary>
    public void Unpark(Instant now)
    {
        if (State.HasParked) Emit(new JobEvent { Kind = EventKind.Unparked, At = now });
        Settle(now);
    }

    /// <summary>A worker reports. A report on an attempt that is not running (any more) changes nothing.</summary>
    public void AttemptEnded(int node, int attempt, in AttemptResult result, Instant now)
    {
        if (!State.Running.TryGetValue(node, out RunningAttempt running) || running.Number != attempt) return;
        Decide(node, result, now);
        Settle(now);
    }

    /// <summary>Time has passed.</summary>
    public void Tick(Instant now)
    {
        while (State.TryTakeDue(now, out Due due)) BecomeDue(due, now);
        Settle(now);
    }

    public Refusal Append(int firstPage, AppendReceipt receipt, string key, uint contentHash, Instant now)
    {
        Emit(new JobEvent
        {
            Kind = EventKind.Appended,
            At = now,
            Pages = (firstPage, State.Tree.PageCount - firstPage),
            Item = receipt.FirstIndex,
            Number = receipt.Count,
            Text = key,
            ContentHash = contentHash,
        });
        return Steered(now);
    }

    /// <summary>Whether items may be appended now.</summary>
    public Refusal CheckAppend() =>
        State.Root.Kind != NodeKind.Batch ? Refusal.NotABatch
        : State.IsEnded ? Refusal.Ended
        : State.Root.IsComplete ? Refusal.Sealed
        : Refusal.None;

    public Refusal Seal(Instant now)
    {
        if (State.Root.Kind != NodeKind.Batch) return Refusal.NotABatch;
        if (State.Root.IsComplete) return Refusal.None;
        Emit(new JobEvent { Kind = EventKind.Sealed, At = now, Reason = Reason.None });
        return Steered(now);
    }

    public Refusal Resize(int maxConcurrency, Instant now)
    {
        if (State.Root.Kind != NodeKind.Batch) return Refusal.NotABatch;
        if (State.IsEnded) return Refusal.Ended;
        if (State.Root.Pool.Max == maxConcurrency) return Refusal.None;
        Emit(new JobEvent { Kind = EventKind.Resized, At = now, Number = maxConcurrency });
        return Steered(now);
    }

    public Refusal Pause(bool paused, Instant now)
    {
        if (State.IsEnded) return Refusal.Ended;
        if (State.Root.Pool.Paused == paused) return Refusal.None;
        Emit(new JobEvent { Kind = paused ? EventKind.Paused : EventKind.Resumed, At = now });
        return Steered(now);
    }

    /// <summary>Canceling what has ended changes nothing and is no error: cancels race with completions.</summary>
    public Refusal Cancel(CancelScope scope, Instant now)
    {
        if (State.IsEnded || State.IsCanceling || (State.IsCancelRequested && scope == CancelScope.Pending))
            return Refusal.None;
        Emit(new JobEvent { Kind = EventKind.CancelRequested, At = now, Scope = scope });
        EndPending(State.Root, JobState.Canceled, Reason.BeforeStart, now);
        if (scope == CancelScope.All) Stop(0, State.Root.EndNode);
        return Steered(now);
    }

    public Refusal RetryFailed(Instant now, out int count)
    {
        count = 0;
        if (!State.IsEnded) return Refusal.NotEnded;
        count = RetryRule.Count(State);
        if (count == 0) return Refusal.None;
        Emit(new JobEvent { Kind = EventKind.RetryRequested, At = now });
        return Steered(now);
    }

    private Refusal Steered(Instant now)
    {
        IsSteered = true;
        Steerings++;
        Settle(now);
        return Refusal.None;
    }

    private void Decide(int node, in AttemptResult result, Instant now)
    {
        bool canceling = State.Nodes[node].State == JobState.Canceling;
        bool expired = canceling && State.Nodes[node].Reason == Reason.DeadlineExceeded;
        switch (result.End)
        {
            case AttemptEnd.Succeeded:
                EndAttempt(node, JobState.Succeeded, canceling ? Reason.FinishedAnyway : Reason.None, result, now);
                break;
            case AttemptEnd.Failed when canceling && !expired:
                EndAttempt(node, JobState.Failed, Reason.FinishedAnyway, result, now);
                break;
            case AttemptEnd.Failed when !canceling && MayRetry(node, result):
                Retry(node, result, now);
                break;
            case AttemptEnd.Failed when !canceling:
                EndAttempt(node, JobState.Failed, result.Reason, result, now);
                break;
            case AttemptEnd.NoHandler when !canceling && MissingHandlerTimeout > TimeSpan.Zero && MayStartAgain(node):
                Emit(new JobEvent { Kind = EventKind.Parked, At = now, Node = node, Span = MissingHandlerTimeout });
                break;
            case AttemptEnd.NoHandler when !canceling:
                EndAttempt(node, JobState.Failed, Reason.NoHandler, result, now);
                break;
            case AttemptEnd.Lost:
                Emit(new JobEvent { Kind = EventKind.Lost, At = now, Node = node });
                EndInterrupted(node, now);
                break;
            case AttemptEnd.Released when !canceling:
                Emit(new JobEvent { Kind = EventKind.Released, At = now, Node = node });
                break;
            default:
                EndStopped(node, expired, result, now);
                break;
        }
    }

    // The attempt was asked to stop, and did, or was given up.
    private void EndStopped(int node, bool expired, in AttemptResult result, Instant now)
    {
        if (expired) EndAttempt(node, JobState.Failed, Reason.DeadlineExceeded, result, now);
        else if (result.End == AttemptEnd.Abandoned) EndAttempt(node, JobState.Canceled, Reason.Abandoned, result, now);
        else EndAttempt(node, JobState.Canceled, Reason.Stopped, result, now);
    }

    // A retry is a start: none follows once nothing more may start.
    private bool MayRetry(int node, in AttemptResult result) =>
        result.Retryable && State.FailuresOf(node) < State.Tree.ProfileOf(node).Retries && MayStartAgain(node);

    private bool MayStartAgain(int node) => !State.IsCancelRequested && !State.Tree.IsDoomed(node);

    private void Retry(int node, in AttemptResult result, Instant now)
    {
        TimeSpan pause = result.RetryAfter is { } after
            ? TimeSpan.FromTicks(Math.Clamp(after.Ticks, 0, JobDefaults.MaxTime.Ticks))
            : Backoff.Pause(State.Tree.ProfileOf(node), State.Header.Id, node, State.FailuresOf(node) + 1);
        TaskError error = result.Error!;
        string text = error.ToString();
        Emit(new JobEvent
        {
            Kind = EventKind.Retrying,
            At = now,
            Node = node,
            Number = State.Nodes[node].Attempts,
            Reason = result.Reason,
            Span = pause,
            Error = error,
            Text = text.Length <= 200 ? text : text[..200],
        });
        if (pause == TimeSpan.Zero) Tick(now);
    }

    private void EndAttempt(int node, JobState state, Reason reason, in AttemptResult result, Instant now) =>
        Emit(Endings.OfAttempt(State, node, state, reason, result, now));

    private void EndInterrupted(int node, Instant now)
    {
        ref Node n = ref State.Nodes[node];
        var result = new AttemptResult { End = AttemptEnd.Stopped, Duration = TimeSpan.Zero, Place = "" };
        if (n.State == JobState.Canceling)
        {
            EndStopped(node, n.Reason == Reason.DeadlineExceeded, result, now);
        }
        else if (State.Interruptions.GetValueOrDefault(node) > State.Tree.ProfileOf(node).MaxInterruptions)
        {
            EndAttempt(
                node, JobState.Failed, Reason.Interrupted,
                result with { Error = OutcomeErrors.For(Reason.Interrupted) }, now);
        }
    }

    private void BecomeDue(in Due due, Instant now)
    {
        switch (due.Kind)
        {
            case DueKind.Begin:
                Emit(new JobEvent { Kind = EventKind.Begun, At = now });
                break;
            case DueKind.Node when State.Nodes[due.Node].Kind == NodeKind.Wait:
                Emit(Endings.OfWait(State, due.Node, now));
                break;
            case DueKind.Node when State.Nodes[due.Node].Reason == Reason.NoHandler:
                EndUnhandled(due.Node, now);
                break;
            case DueKind.Node:
                State.MakeReady(due.Node);
                break;
            case DueKind.TaskDeadline or DueKind.ContainerDeadline:
                Expire(due.Node, now);
                break;
            case DueKind.Seal:
                Emit(new JobEvent { Kind = EventKind.Sealed, At = now, Reason = Reason.SealTimedOut });
                break;
        }
    }

    private void EndUnhandled(int node, Instant now) => EndAttempt(
        node, JobState.Failed, Reason.NoHandler,
        new AttemptResult
        {
            End = AttemptEnd.NoHandler,
            Duration = TimeSpan.Zero,
            Place = "",
            Error = OutcomeErrors.NoHandler(State.Tree.ProfileOf(node).Handler),
        },
        now);

    private void Expire(int node, Instant now)
    {
        Emit(new JobEvent { Kind = EventKind.Expired, At = now, Node = node });
        if (!State.Nodes[node].IsLeaf)
            EndPending(
                node == 0 ? State.Root : State.Tree.ContainerOf(node), JobState.Failed, Reason.DeadlineExceeded, now);
        else if (!State.Running.ContainsKey(node))
            EndRange(node, 1, JobState.Failed, Reason.DeadlineExceeded, now);
        Stop(node, State.Tree.After(node));
    }

    private void Stop(int first, int end)
    {
        foreach ((int node, RunningAttempt attempt) in State.Running)
            if (node >= first && node < end)
                Effects.Add(new Effect(EffectKind.Stop, node, attempt.Number, AfterDurable: false));
    }

    /// <summary>Does what the events so far make necessary, then starts what may start.</summary>
    private void Settle(Instant now)
    {
        while (true)
        {
            if (State.Doomed.TryDequeue(out (Container Container, Reason Reason) doomed))
                EndPending(doomed.Container, JobState.Canceled, doomed.Reason, now);
            else if (State.Done.TryDequeue(out Container? done))
                Complete(done, now);
            else
                break;
        }
        StartReady(now);
    }

    private void StartReady(Instant now)
    {
        if (IsHeld) return;
        while (StartAllowance > 0 && State.Root.Pool.Peek() is >= 0 and var node && MayStartBesideOthers(node))
        {
            StartAllowance--;
            int attempt = State.Nodes[node].Attempts + 1;
            bool afterDurable = IsSteered || _cautious > 0 || State.Tree.IsDownstream(node);
            if (_cautious > 0) _cautious--;
            Emit(new JobEvent { Kind = EventKind.Started, At = now, Node = node, Number = attempt });
            Effects.Add(new Effect(EffectKind.Start, node, attempt, afterDurable));
        }
    }

    // A task on its last chance runs alone, or it would be blamed for a death that its neighbor caused.
    private bool MayStartBesideOthers(int node)
    {
        if (State.Interruptions.Count == 0 || State.Running.Count == 0) return true;
        return !IsOnLastChance(node) && !(State.Running.Count == 1 && IsOnLastChance(State.Running.Keys.First()));
    }

    private bool IsOnLastChance(int node) =>
        State.Interruptions.TryGetValue(node, out int deaths) && deaths >= State.Tree.ProfileOf(node).MaxInterruptions;

    private void Complete(Container c, Instant now)
    {
        if (State.Nodes[c.Node].State.IsEnd() || !c.IsDone) return;
        (JobState state, Reason reason, ValueRef source) = c.Kind == NodeKind.Chain
            ? ChainMachine.Outcome(State, c)
            : BatchOutcome.Of(State, c);
        Emit(Endings.OfContainer(State, c, state, reason, source, now));
    }

    private void EndPending(Container c, JobState state, Reason reason, Instant now) =>
        PendingRuns.End(State, c, reason, (first, count, why) => EndRange(first, count, state, why, now));

    private void EndRange(int first, int count, JobState state, Reason reason, Instant now) =>
        Emit(Endings.OfRange(State, first, count, state, reason, now));

    private void Emit(in JobEvent e)
    {
        _record.Add(e);
        State.Apply(e);
    }
}
