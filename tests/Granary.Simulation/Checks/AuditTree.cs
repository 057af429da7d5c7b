using Granary.Batches;
using Granary.Persistence;

namespace Granary.Simulation.Checks;

/// <summary>Where a node stands, as the audit sees it.</summary>
internal enum Standing : byte
{
    NotReached = 0,
    Ready = 1,
    Running = 2,
    Canceling = 3,
    Waiting = 4,

    /// <summary>A batch or chain that was reached.</summary>
    Open = 5,
    Ended = 6,

    /// <summary>Was asked to stop when its process died: it ends without a slot.</summary>
    Stopped = 7,
}

/// <summary>A node of a job, as the audit sees it.</summary>
internal sealed class AuditNode(int number, NodeKind kind, AuditNode? parent)
{
    public int Number => number;
    public NodeKind Kind => kind;
    public AuditNode? Parent => parent;
    public int Index { get; } = parent?.Children.Count ?? 0;
    public List<AuditNode> Children { get; } = [];
    public bool IsLeaf => kind <= NodeKind.Wait;

    public TaskProfile? Profile { get; init; }
    public TimeSpan Wait { get; init; }
    public TimeSpan? Deadline { get; init; }
    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Continue;

    /// <summary>A batch's slots.</summary>
    public int Max { get; set; } = int.MaxValue;

    public int InUse { get; set; }
    public bool IsPaused { get; set; }
    public bool IsComplete { get; set; } = true;
    public bool IsExpired { get; set; }

    public Standing Standing { get; set; }
    public JobState Outcome { get; set; }
    public int Attempts { get; set; }
    public int Failures { get; set; }
    public int Interruptions { get; set; }
    public Instant ReachedAt { get; set; }
    public Instant? FirstStart { get; set; }
    public Instant DueAt { get; set; }
    public bool IsParked { get; set; }

    /// <summary>It ran, and was given back or died with its process: it starts again whatever was canceled
    /// meanwhile.</summary>
    public bool IsInterrupted { get; set; }

    public bool IsEnded => Standing == Standing.Ended;
    public bool IsBad => IsEnded && Outcome != JobState.Succeeded;
    public bool IsPending => Standing is Standing.NotReached or Standing.Ready or Standing.Waiting;
    public bool HasEnded(JobState outcome) => Children.Exists(child => child.IsEnded && child.Outcome == outcome);

    /// <summary>Nothing more may start in it.</summary>
    public bool IsDoomed => IsExpired
        || (kind == NodeKind.Chain ? Children.Exists(child => child.IsBad)
            : OnFailure == FailurePolicy.CancelPending && HasEnded(JobState.Failed));

    public bool IsUnderDoom
    {
        get
        {
            for (AuditNode? around = parent; around is not null; around = around.Parent)
                if (around.IsDoomed) return true;
            return false;
        }
    }

    public bool IsIn(AuditNode container)
    {
        for (AuditNode? around = this; around is not null; around = around.Parent)
            if (around == container) return true;
        return false;
    }

    public override string ToString() =>
        $"node {number} ({kind}, {Standing}{(IsEnded ? $" {Outcome}" : "")}, {Attempts} attempts)";
}

/// <summary>Builds the nodes of a job from its pages.</summary>
internal sealed class AuditTree : IShapeVisitor
{
    private AuditNode _building;

    public AuditTree(JobSpec spec)
    {
        bool isBatch = spec.Kind == JobKind.Batch;
        Root = _building = new AuditNode(0, isBatch ? NodeKind.Batch : NodeKind.Chain, null)
        {
            Deadline = spec.Deadline,
            OnFailure = isBatch ? spec.OnFailure : FailurePolicy.Continue,
            Max = isBatch ? spec.MaxConcurrency : int.MaxValue,
            IsComplete = spec.SealTimeout is null,
        };
        Nodes.Add(Root);
    }

    public List<AuditNode> Nodes { get; } = [];

    public AuditNode Root { get; }

    void IShapeVisitor.Tasks(TaskProfile profile, int count)
    {
        for (int i = 0; i < count; i++) Add(new AuditNode(Nodes.Count, NodeKind.Task, _building) { Profile = profile });
    }

    void IShapeVisitor.Wait(TimeSpan duration) =>
        Add(new AuditNode(Nodes.Count, NodeKind.Wait, _building) { Wait = duration });

    void IShapeVisitor.BeginChain(TimeSpan? deadline) =>
        _building = Add(new AuditNode(Nodes.Count, NodeKind.Chain, _building) { Deadline = deadline });

    void IShapeVisitor.BeginBatch(int maxConcurrency, FailurePolicy onFailure, TimeSpan? deadline) =>
        _building = Add(new AuditNode(Nodes.Count, NodeKind.Batch, _building)
        {
            Deadline = deadline,
            OnFailure = onFailure,
            Max = maxConcurrency,
        });

    void IShapeVisitor.End() => _building = _building.Parent!;

    private AuditNode Add(AuditNode node)
    {
        Nodes.Add(node);
        node.Parent!.Children.Add(node);
        return node;
    }
}
