using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Checks;

/// <summary>
/// Reads each record of a job as it becomes durable and checks it by rules of its own, written from the promises and
/// not from the machine. What the record says has happened is durable from here on.
/// </summary>
internal sealed class LogAudit
{
    private readonly JobHistory _history;
    private readonly AuditTree _tree;
    private readonly AuditRules _rules;
    private readonly HashSet<int> _sizes;
    private readonly HashSet<string> _appendKeys = [];
    private readonly List<(int Index, JobState State, Reason Reason)> _completions = [];
    private readonly JobSpec _spec;
    private readonly Instant _submittedAt;
    private int _records;
    private int _ordinals;
    private int _readPages;
    private int _items;
    private bool _isBegun;
    private int _retriesBeforeCancel = -1;

    public LogAudit(JobId job, JobHeader header, JobHistory history)
    {
        (Job, _history, _spec, _submittedAt) = (job, history, header.Spec, header.SubmittedAt);
        _tree = new AuditTree(_spec);
        _rules = new AuditRules(_tree, () => history.HasJumpedBack, Violate);
        _sizes = [_spec.MaxConcurrency];
        WasComplete = _spec.SealTimeout is null;
    }

    public JobId Job { get; }
    public bool IsLive { get; private set; }
    public int ItemCount => _items;
    public int CompletionCount => _completions.Count;

    /// <summary>It takes, or took, no more items.</summary>
    public bool WasComplete { get; private set; }

    /// <summary>It has ended, or had before it was retried.</summary>
    public bool WasEnded { get; private set; }

    public int Cancels { get; private set; }
    public int Pauses { get; private set; }
    public int Retries { get; private set; }

    private AuditNode Root => _tree.Root;

    public bool HadSize(int size) => _sizes.Contains(size);

    public void Written(JobWrite write)
    {
        IsLive |= write.Phase != JobPhase.Staged;
        foreach (StoredPage page in write.Pages)
        {
            if (page.Number != _readPages++)
                Violate("S1", $"page {page.Number} was written where page {_readPages - 1} was due");
            PageReader.ReadShape(Job, page, _tree);
        }
        if (write.Record is { } record) Read(record);
        if (!IsLive) return;
        JobSummary summary = JobCodec.ReadSummary(Job, write.Summary);
        if (summary.ItemCount != ItemCount || summary.CompletionCount != CompletionCount
            || summary.RecordCount != _records
            || summary.State.IsEnd() != Root.IsEnded || summary.Paused != Root.IsPaused)
            Violate("Q5",
                $"the summary says {summary}; there are {ItemCount} items and {CompletionCount} completions, {Root}");
    }

    /// <summary>A handler was called for a task of this job.</summary>
    public void Called(Execution execution, bool wasSplit)
    {
        AuditNode node = _tree.Nodes[execution.Node];
        for (AuditNode at = node; at.Parent is { } around; at = around)
        {
            if (around.Kind != NodeKind.Chain) continue;
            for (int i = 0; i < at.Index; i++)
                if (around.Children[i] is not { IsEnded: true, Outcome: JobState.Succeeded } step)
                    Violate("C1", $"{node} was called before the outcome of {around.Children[i]} was durable");
        }
        // One that has been replaced does not know it until it writes.
        if (wasSplit) return;
        if (node.IsEnded && node.Attempts >= execution.Attempt)
            Violate("R4", $"attempt {execution.Attempt} of {node} was called after its outcome was durable");
        if (_retriesBeforeCancel == _history.RetriesAsked && node.Attempts < execution.Attempt)
            Violate("I5", $"attempt {execution.Attempt} of {node} was started after a cancel was acknowledged");
        int running = 0, limit = 0;
        foreach (Execution other in execution.Process.Executions)
            if (other.Job == Job && !other.IsSignaled && !other.HasEnded) running++;
        foreach (int size in _history.SizesAsked) limit = Math.Max(limit, size);
        if (_spec.Kind == JobKind.Batch && running >= Math.Max(limit, _spec.MaxConcurrency))
            Violate("I6",
                $"{running + 1} handlers run at once, with {Math.Max(limit, _spec.MaxConcurrency)} slots at most");
    }

    /// <summary>From here on nothing starts, unless a retry was, or is, asked for.</summary>
    public void CancelAcknowledged(int retries) => _retriesBeforeCancel = retries;

    /// <summary>Leaves that succeeded, failed and were canceled.</summary>
    public (int, int, int) CountEnded() =>
        (Count(JobState.Succeeded), Count(JobState.Failed), Count(JobState.Canceled));

    private int Count(JobState outcome) =>
        _tree.Nodes.Count(node => node.IsLeaf && node.IsEnded && node.Outcome == outcome);

    /// <summary>A completion was shown: it is the one that is recorded.</summary>
    public void CheckShown(Outcome outcome)
    {
        (int, JobState, Reason) recorded = _completions[outcome.Sequence - 1];
        if (recorded != (outcome.Index, outcome.State, outcome.Reason))
            Violate("Q2",
                $"completion {outcome.Sequence} was shown as {JobHistory.Text(outcome)}, and recorded as {recorded}");
    }

    private void Read(StoredRecord record)
    {
        var reader = new RecordReader(Job, record);
        if (reader.Start != new RecordStart(_records, _ordinals + 1, _completions.Count + 1))
            Violate("I2", $"record {record.Number} begins at {reader.Start}, after {_records} with {_ordinals}");
        _records++;
        while (reader.Next(out JobEvent e))
        {
            if (_history.IsTracing)
                _history.Trace($"    {record.Number}: {e.Kind} {_tree.Nodes[e.Node]}: {e.State} {e.Reason} {e.Number}");
            Read(e);
        }
        _rules.CheckSettled();
    }

    private void Read(in JobEvent e)
    {
        if (Root.IsEnded && e.Kind is not EventKind.RetryRequested)
            Violate("R4", $"{e.Kind} of node {e.Node} is recorded after the job has ended");
        switch (e.Kind)
        {
            case EventKind.Submitted:
                _items = Root.Children.Count;
                if (_records != 1 || e.Pages.Count != _readPages)
                    Violate("S1", "is submitted in the middle of its log");
                break;
            case EventKind.Begun:
                if (_isBegun || (_spec.Delay > TimeSpan.Zero && e.At < _submittedAt + _spec.Delay))
                    Violate("S1", $"begins at {e.At}, after {_spec.Delay}");
                _isBegun = true;
                AuditRules.Reach(Root, e.At);
                break;
            case EventKind.Started:
                if (!_isBegun) Violate("S1", $"node {e.Node} is started before the job begins");
                _rules.Start(_tree.Nodes[e.Node], e);
                break;
            case EventKind.Completed:
                Complete(_tree.Nodes[e.Node], e);
                break;
            case EventKind.EndedRange:
                for (int i = 0; i < e.Number; i++)
                {
                    AuditNode node = _tree.Nodes[e.Node + i];
                    Complete(node,
                        e with { Node = node.Number, Item = e.Item < 0 ? -1 : e.Item + i, Number = node.Attempts });
                }
                break;
            case EventKind.Recovered:
                _rules.Recover();
                break;
            case EventKind.Appended:
                Append(e);
                break;
            case EventKind.RetryRequested:
                Retries++;
                if (!Root.IsEnded) Violate("T3", "is retried before it has ended");
                _isBegun = true;
                _rules.Retry(Root, e.At);
                break;
            default:
                Steer(e);
                break;
        }
    }

    private void Complete(AuditNode node, in JobEvent e)
    {
        int item = node.Parent == Root ? node.Index : -1;
        if (e.Item != item) Violate("Q2", $"{node} is recorded as item {e.Item}, and is item {item}");
        _ordinals++;
        if (item >= 0) _completions.Add((item, e.State, e.Reason));
        WasEnded |= node == Root;
        _rules.Complete(node, e);
        WasComplete |= Root.IsComplete;
    }

    private void Append(in JobEvent e)
    {
        if (Root.IsComplete) Violate("S3", "takes items after it was sealed");
        if (e.Text.Length > 0 && !_appendKeys.Add(e.Text)) Violate("S2", $"took the append '{e.Text}' twice");
        if (e.Item != _items) Violate("S3", $"took {e.Number} items at {e.Item}, and has {_items}");
        _items += e.Number;
        if (!_isBegun) return;
        for (int i = e.Item; i < _items; i++) AuditRules.Reach(Root.Children[i], e.At);
    }

    private void Steer(in JobEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.CancelRequested:
                Cancels++;
                WasComplete = Root.IsComplete = true;
                _rules.Cancel(e.Scope);
                break;
            case EventKind.Resized:
                _sizes.Add(e.Number);
                Root.Max = e.Number;
                break;
            case EventKind.Paused or EventKind.Resumed:
                Root.IsPaused = e.Kind == EventKind.Paused;
                if (Root.IsPaused) Pauses++;
                break;
            case EventKind.Sealed:
                if (Root.IsComplete) Violate("S3", "is sealed twice");
                WasComplete = Root.IsComplete = true;
                break;
            case EventKind.Expired:
                _rules.Expire(_tree.Nodes[e.Node], e.At);
                WasComplete |= Root.IsComplete;
                break;
            case EventKind.Retrying:
                _rules.Pause(_tree.Nodes[e.Node], e);
                break;
            case EventKind.Parked:
                _rules.Park(_tree.Nodes[e.Node], e);
                break;
            case EventKind.Released:
                _rules.Release(_tree.Nodes[e.Node]);
                break;
            default:
                Violate("F7", $"an event of kind {e.Kind} is recorded");
                break;
        }
    }

    private void Violate(string rule, string what) => _history.Violate(rule, what);
}
