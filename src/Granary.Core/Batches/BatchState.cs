using System.Diagnostics;
using Granary.Chains;
using Granary.Engines;
using Granary.Persistence;

namespace Granary.Batches;

/// <summary>
/// Where a job stands. <see cref="Apply"/> is the only way it changes, for live events and for recorded ones alike;
/// it decides nothing. What an event makes necessary (a batch whose items have all ended, a chain that is broken) is
/// noted for the machine.
/// </summary>
internal sealed class BatchState
{
    private readonly PriorityQueue<Due, (Instant, int)> _due = new();
    private readonly Dictionary<int, Instant> _firstStarts = [];
    private readonly Dictionary<int, int> _failures = [];

    public BatchState(JobHeader header)
    {
        Header = header;
        Tree = new JobTree(header);
        Tree.Root.IsComplete = header.Spec.SealTimeout is null;
        if (header.Spec.Delay > TimeSpan.Zero) AddDue(DueKind.Begin, 0, header.SubmittedAt + header.Spec.Delay);
    }

    public JobHeader Header { get; }
    public JobTree Tree { get; }
    public NodeTable Nodes => Tree.Nodes;
    public Container Root => Tree.Root;

    /// <summary>Attempts that hold slots, by node.</summary>
    public Dictionary<int, RunningAttempt> Running { get; } = [];

    /// <summary>When what waits is due, by node.</summary>
    public Dictionary<int, Instant> DueAt { get; } = [];

    /// <summary>Attempts that died with their process, by node.</summary>
    public Dictionary<int, int> Interruptions { get; } = [];

    /// <summary>Short forms of the errors that retries followed, by node.</summary>
    public Dictionary<int, string> LastErrors { get; } = [];

    /// <summary>Appends by key, to answer them again alike.</summary>
    public Dictionary<string, (AppendReceipt Receipt, uint ContentHash)> Appends { get; } = [];

    /// <summary>Containers whose children have all ended; the machine gives them their outcomes.</summary>
    public Queue<Container> Done { get; } = new();

    /// <summary>Containers whose pending leaves must end, and why.</summary>
    public Queue<(Container Container, Reason Reason)> Doomed { get; } = new();

    /// <summary>Pages of the submission itself; later ones were appended.</summary>
    public int SubmittedPages { get; private set; }

    /// <summary>How an open batch was ended.</summary>
    public Reason SealReason { get; private set; } = Reason.None;

    public bool IsBegun { get; private set; }

    /// <summary>Some task may be waiting for a handler that is missing.</summary>
    public bool HasParked { get; private set; }

    public bool IsEnded => Nodes[0].State.IsEnd();
    public bool IsCancelRequested { get; private set; }
    public bool IsCanceling { get; private set; }
    public Instant? FinishedAt { get; private set; }

    /// <summary>Completions of the job's own items so far: the highest sequence number.</summary>
    public int CompletionCount { get; private set; }

    /// <summary>Completions of all nodes so far: the highest ordinal.</summary>
    public int OrdinalCount { get; private set; }

    /// <summary>The earliest time at which something is due.</summary>
    public Instant NextDue => _due.TryPeek(out Due due, out _) ? due.At : Instant.Never;

    /// <summary>
    /// Attempts that failed and were followed by another, since the task was submitted or retried by hand. Those that
    /// died with their process, or were given back, do not count.
    /// </summary>
    public int FailuresOf(int node) => _failures.GetValueOrDefault(node);

    /// <summary>Takes what is due, if it still holds.</summary>
    public bool TryTakeDue(Instant now, out Due due)
    {
        while (_due.TryPeek(out due, out _) && due.At <= now)
        {
            _due.Dequeue();
            if (Holds(due)) return true;
        }
        return false;
    }

    public void Apply(in JobEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.Submitted:
                SubmittedPages = e.Pages.Count;
                break;
            case EventKind.Begun:
                IsBegun = true;
                Reach(0, e.At);
                break;
            case EventKind.Started:
                ApplyStarted(e);
                break;
            case EventKind.Completed:
                if (Nodes[e.Node].IsLeaf) LeaveSlot(e.Node);
                End(e.Node, e.State, e.Reason, e.At);
                break;
            case EventKind.EndedRange:
                for (int i = 0; i < e.Number; i++) End(e.Node + i, e.State, e.Reason, e.At);
                break;
            case EventKind.Retrying:
                LeaveSlot(e.Node);
                LastErrors[e.Node] = e.Text;
                _failures[e.Node] = FailuresOf(e.Node) + 1;
                WaitUntil(e.Node, e.At + e.Span, Reason.RetryBackoff);
                break;
            case EventKind.Released:
                LeaveSlot(e.Node);
                Requeue(e.Node);
                break;
            case EventKind.Parked:
                LeaveSlot(e.Node);
                WaitUntil(e.Node, e.At + e.Span, Reason.NoHandler);
                HasParked = true;
                break;
            case EventKind.Recovered:
                ApplyRecovered();
                break;
            case EventKind.Unparked:
                RequeueParked();
                break;
            case EventKind.Lost:
                Interrupt(e.Node);
                break;
            case EventKind.CancelRequested:
                ApplyCancel(e.Scope);
                break;
            case EventKind.Expired:
                ApplyExpired(e.Node);
                break;
            case EventKind.Resized:
                Root.Pool.Resize(e.Number);
                break;
            case EventKind.Paused or EventKind.Resumed:
                Root.Pool.Pause(e.Kind == EventKind.Paused);
                break;
            case EventKind.Appended:
                ApplyAppended(e);
                break;
            case EventKind.Sealed:
                Root.IsComplete = true;
                SealReason = e.Reason;
                NoteIfDone(Root);
                break;
            case EventKind.RetryRequested:
                ApplyRetry(e.At);
                break;
        }
    }

    /// <summary>Puts a task whose pause is over, or whose handler may be back, into its pool's queue.</summary>
    public void MakeReady(int node) => Tree.ParentOf(node).Pool.Push(node);

    /// <summary>Makes a node that its turn has come to ready, waiting or, with everything in it, reached.</summary>
    public void Reach(int node, Instant at)
    {
        ref Node n = ref Nodes[node];
        if (n.State.IsEnd()) return;
        switch (n.Kind)
        {
            case NodeKind.Task:
                n.Reason = Reason.Ready;
                Tree.ParentOf(node).NoteReady(node, at);
                MakeReady(node);
                break;
            case NodeKind.Wait:
                WaitUntil(node, at + Tree.WaitOf(node), Reason.DurableWait);
                break;
            case NodeKind.Chain or NodeKind.Batch:
                ReachContainer(node == 0 ? Root : Tree.ContainerOf(node), at);
                break;
        }
    }

    private void ReachContainer(Container c, Instant at)
    {
        c.IsReached = true;
        c.ReachedAt = at;
        Tree.SetState(c.Node, JobState.Running, Reason.Children);
        if (c.Deadline is { } deadline) AddDue(DueKind.ContainerDeadline, c.Node, at + deadline);
        if (c.Node == 0) ExtendSeal(at);
        if (c.Kind == NodeKind.Chain)
        {
            c.Value = c.Parent is null ? ValueRef.None : Tree.InputOf(c.Node);
            if (c.ChildCount > 0) Reach(c.Node + 1, at);
        }
        else
        {
            for (int child = c.Node + 1; child < c.EndNode; child = Tree.After(child)) Reach(child, at);
        }
        NoteIfDone(c);
    }

    private void ApplyStarted(in JobEvent e)
    {
        ref Node n = ref Nodes[e.Node];
        Debug.Assert(
            n.Kind == NodeKind.Task && !n.State.IsEnd() && !Running.ContainsKey(e.Node), "only a pending task starts");
        Tree.SetState(e.Node, JobState.Running, Reason.None);
        bool isFirst = n.Attempts == 0;
        n.Attempts = (ushort)e.Number;
        if (!DueAt.Remove(e.Node, out Instant readyAt))
            readyAt = isFirst ? Tree.ParentOf(e.Node).ReadyAt(e.Node) : Instant.Never;
        Running.Add(e.Node, new RunningAttempt(e.Number, e.At, readyAt));
        Tree.ParentOf(e.Node).Pool.Take();
        if (Tree.ProfileOf(e.Node).Deadline is { } deadline && _firstStarts.TryAdd(e.Node, e.At))
            AddDue(DueKind.TaskDeadline, e.Node, e.At + deadline);
    }

    private void LeaveSlot(int node)
    {
        if (Running.Remove(node)) Tree.ParentOf(node).Pool.Free();
    }

    private void Requeue(int node)
    {
        Tree.SetState(node, JobState.Queued, Reason.Ready);
        MakeReady(node);
    }

    private void WaitUntil(int node, Instant at, Reason reason)
    {
        Tree.SetState(node, JobState.Waiting, reason);
        DueAt[node] = at;
        AddDue(DueKind.Node, node, at);
    }

    private void End(int node, JobState state, Reason reason, Instant at)
    {
        Tree.SetState(node, state, reason);
        Nodes[node].Ordinal = ++OrdinalCount;
        Forget(node);
        if (node == 0)
        {
            FinishedAt = at;
            return;
        }
        Container parent = Tree.ParentOf(node);
        parent.EndedCount++;
        if (parent == Root) CompletionCount++;
        if (state == JobState.Failed) parent.FailedCount++;
        if (state == JobState.Canceled) parent.CanceledCount++;
        if (state != JobState.Succeeded) NoteBad(parent, node, state);
        else if (parent.Kind == NodeKind.Chain) ChainMachine.Advance(this, parent, node, at);
        NoteIfDone(parent);
    }

    private void NoteBad(Container parent, int node, JobState state)
    {
        bool first = parent.FirstBad < 0;
        if (first || (state == JobState.Failed && Nodes[parent.FirstBad].State != JobState.Failed))
            parent.FirstBad = node;
        if (parent.Kind == NodeKind.Chain && first) Doomed.Enqueue((parent, Reason.UpstreamFailed));
        if (parent.OnFailure != FailurePolicy.CancelPending || state != JobState.Failed) return;
        if (parent.FailedCount != 1) return;
        // An open batch that has failed takes no more items: nothing in it would start.
        parent.IsComplete = true;
        Doomed.Enqueue((parent, Reason.SiblingFailed));
    }

    public void NoteIfDone(Container c)
    {
        if (c.IsDone && !Nodes[c.Node].State.IsEnd()) Done.Enqueue(c);
    }

    private void Forget(int node)
    {
        DueAt.Remove(node);
        if (Interruptions.Count > 0) Interruptions.Remove(node);
        if (LastErrors.Count > 0) LastErrors.Remove(node);
        if (_failures.Count > 0) _failures.Remove(node);
        if (_firstStarts.Count > 0) _firstStarts.Remove(node);
    }

    private void ApplyRecovered()
    {
        foreach (int node in Running.Keys.Order().ToArray()) Interrupt(node);
        RequeueParked();
    }

    private void Interrupt(int node)
    {
        Interruptions[node] = Interruptions.GetValueOrDefault(node) + 1;
        LeaveSlot(node);
        // One that was asked to stop has stopped: the machine gives it that outcome.
        if (Nodes[node].State != JobState.Canceling) Requeue(node);
    }

    // Whoever took over may have the handler that was missing.
    private void RequeueParked()
    {
        HasParked = false;
        foreach ((int node, _) in DueAt)
            if (Nodes[node].Reason == Reason.NoHandler) Requeue(node);
    }

    private void ApplyCancel(CancelScope scope)
    {
        IsCancelRequested = true;
        Root.IsComplete = true;
        if (scope == CancelScope.All)
        {
            IsCanceling = true;
            // What a deadline has stopped stays stopped by it.
            foreach (int node in Running.Keys)
                if (Nodes[node].State == JobState.Running) Tree.SetState(node, JobState.Canceling, Reason.None);
        }
        NoteIfDone(Root);
    }

    private void ApplyExpired(int node)
    {
        int end = node + 1;
        if (!Nodes[node].IsLeaf)
        {
            Container c = node == 0 ? Root : Tree.ContainerOf(node);
            if (c == Root) Root.IsComplete = true;
            end = c.EndNode;
            // Whatever it cuts off in there, reached or not, has not ended by its own rules.
            for (int inner = node; inner < end; inner++)
                if (!Nodes[inner].IsLeaf && !Nodes[inner].State.IsEnd()) Tree.ContainerOf(inner).IsExpired = true;
            NoteIfDone(c);
        }
        foreach (int running in Running.Keys)
        {
            if (running < node || running >= end) continue;
            Tree.SetState(running, JobState.Canceling, Reason.DeadlineExceeded);
        }
    }

    private void ApplyAppended(in JobEvent e)
    {
        if (e.Text.Length > 0) Appends[e.Text] = (new AppendReceipt(e.Item, e.Number), e.ContentHash);
        ExtendSeal(e.At);
        if (!IsBegun) return;
        int first = Tree.FirstNodeOf(e.Pages.First);
        int end = e.Item + e.Number;
        for (int child = first; child < Root.EndNode && Nodes[child].Index < end; child = Tree.After(child))
            Reach(child, e.At);
    }

    private void ExtendSeal(Instant at)
    {
        if (!Root.IsComplete && Header.Spec.SealTimeout is { } timeout)
            AddDue(DueKind.Seal, Root.ChildCount, at + timeout);
    }

    private void ApplyRetry(Instant at)
    {
        FinishedAt = null;
        // What was doomed or done before is no longer; a machine that replays has not settled it.
        Doomed.Clear();
        Done.Clear();
        IsCancelRequested = IsCanceling = false;
        IsBegun = true;
        RetryRule.Reopen(this, Root, at);
    }

    public void AddDue(DueKind kind, int node, Instant at) => _due.Enqueue(new Due(kind, node, at), (at, node));

    private bool Holds(in Due due) => due.Kind switch
    {
        DueKind.Begin => !IsBegun && !IsEnded,
        DueKind.Node => DueAt.TryGetValue(due.Node, out Instant at) && at == due.At && !Nodes[due.Node].IsReady,
        DueKind.TaskDeadline => _firstStarts.TryGetValue(due.Node, out Instant started)
            && started + Tree.ProfileOf(due.Node).Deadline!.Value == due.At,
        DueKind.ContainerDeadline => !Nodes[due.Node].State.IsEnd() && DeadlineOf(due.Node) == due.At,
        // A seal is due unless something was appended since.
        DueKind.Seal => !Root.IsComplete && Root.ChildCount == due.Node,
    };

    private Instant DeadlineOf(int node)
    {
        Container c = node == 0 ? Root : Tree.ContainerOf(node);
        return c.ReachedAt + c.Deadline!.Value;
    }
}
