using Granary.Persistence;
using Granary.Stores;

namespace Granary.Batches;

/// <summary>
/// The shape of a job: its nodes in preorder, the batches and chains among them, the settings that tasks share.
/// </summary>
internal sealed class JobTree : IShapeVisitor
{
    private readonly Dictionary<TaskProfile, int> _profileNumbers = [];
    private readonly List<TaskProfile> _profiles = [];
    private readonly List<TimeSpan> _waits = [];
    private readonly List<Container> _containers = [];
    private readonly List<int> _pageStarts = [];
    private readonly int[] _counts = new int[(int)JobState.Canceled + 1];
    private readonly int[] _reopened = new int[(int)JobState.Canceled + 1];
    private readonly JobId _job;
    private int _building;

    // Stays null while every item is a task, and so item i is node i + 1.
    private List<int>? _itemNodes;

    public JobTree(JobHeader header)
    {
        _job = header.Id;
        bool isBatch = header.Spec.Kind == JobKind.Batch;
        // A chain runs one task at a time by itself; only the batches in it limit anything.
        Root = new Container
        {
            Node = 0,
            Kind = isBatch ? NodeKind.Batch : NodeKind.Chain,
            Parent = null,
            Pool = new Pool(Nodes, null, isBatch ? header.Spec.MaxConcurrency : int.MaxValue),
            OnFailure = header.Spec.OnFailure,
            Deadline = header.Spec.Deadline,
            EndNode = 1,
        };
        ref Node root = ref Nodes.Add();
        root.Kind = Root.Kind;
        root.State = JobState.Queued;
        root.Reason = Reason.Ready;
        root.Parent = -1;
        _containers.Add(Root);
    }

    public NodeTable Nodes { get; } = new();

    public Container Root { get; }

    public int PageCount => _pageStarts.Count;

    public JobCounts Counts => new(
        _counts[(int)JobState.Queued], _counts[(int)JobState.Running], _counts[(int)JobState.Waiting],
        _counts[(int)JobState.Canceling], _counts[(int)JobState.Succeeded], _counts[(int)JobState.Failed],
        _counts[(int)JobState.Canceled]);

    /// <summary>Outcomes so far; unlike <see cref="Counts"/>, those that a retry has taken back count on.</summary>
    public TaskEnds Ends => new(EndsIn(JobState.Succeeded), EndsIn(JobState.Failed), EndsIn(JobState.Canceled));

    public int Count(JobState state) => _counts[(int)state];

    public IReadOnlyList<TaskProfile> Profiles => _profiles;

    public TaskProfile ProfileOf(int node) => _profiles[Nodes[node].Ref];

    public TimeSpan WaitOf(int node) => _waits[Nodes[node].Ref];

    public Container ContainerOf(int node) => _containers[Nodes[node].Ref];

    public Container ParentOf(int node) => _containers[Nodes[node].Parent];

    /// <summary>The node after this one and everything in it.</summary>
    public int After(int node) => Nodes[node].IsLeaf ? node + 1 : ContainerOf(node).EndNode;

    /// <summary>The page that holds a node's arguments, and the node's position in it.</summary>
    public (int Page, int Offset) PageOf(int node)
    {
        int at = _pageStarts.BinarySearch(node);
        int page = at >= 0 ? at : ~at - 1;
        return (page, node - _pageStarts[page]);
    }

    /// <summary>Its indexes from the job down, such as <c>7.2.0</c>.</summary>
    public string PathOf(int node)
    {
        string path = "";
        for (; node > 0; node = ParentOf(node).Node)
            path = path.Length == 0 ? $"{Nodes[node].Index}" : $"{Nodes[node].Index}.{path}";
        return path;
    }

    /// <summary>The value that a task is given: what the nearest chain around it has come to.</summary>
    public ValueRef InputOf(int node)
    {
        for (Container? c = ParentOf(node); c is not null; c = c.Parent)
            if (c.Kind == NodeKind.Chain) return c.Value;
        return ValueRef.None;
    }

    /// <summary>Whether starting the node depends on an earlier outcome in the same job.</summary>
    public bool IsDownstream(int node)
    {
        Container parent = ParentOf(node);
        return parent.IsDownstream || (parent.Kind == NodeKind.Chain && Nodes[node].Index > 0);
    }

    /// <summary>The node of one of the job's own items.</summary>
    public int NodeOfItem(int item) => _itemNodes is null ? item + 1 : _itemNodes[item];

    public int FirstNodeOf(int page) => page < PageCount ? _pageStarts[page] : Nodes.Count;

    /// <summary>Whether a batch around the node has failed as a whole, so that nothing more in it starts.</summary>
    public bool IsDoomed(int node)
    {
        for (Container? c = ParentOf(node); c is not null; c = c.Parent)
            if (c.OnFailure == FailurePolicy.CancelPending && c.FailedCount > 0) return true;
        return false;
    }

    public void AddPage(StoredPage page)
    {
        if (page.Number != PageCount) throw Blob.Damaged(BlobKind.Shape, _job, PageCount, "is missing");
        _pageStarts.Add(Nodes.Count);
        int first = Nodes.Count;
        if (PageReader.ReadShape(_job, page, this) != first)
            throw Blob.Damaged(BlobKind.Shape, _job, page.Number, "is out of place");
        Root.EndNode = Nodes.Count;
    }

    public void SetState(int node, JobState state, Reason reason)
    {
        ref Node n = ref Nodes[node];
        if (n.IsLeaf)
        {
            _counts[(int)n.State]--;
            _counts[(int)state]++;
            if (n.State.IsEnd()) _reopened[(int)n.State]++;
        }
        n.State = state;
        n.Reason = reason;
        n.IsReady = false;
    }

    private int EndsIn(JobState state) => _counts[(int)state] + _reopened[(int)state];

    void IShapeVisitor.Tasks(TaskProfile profile, int count)
    {
        if (!_profileNumbers.TryGetValue(profile, out int number))
        {
            number = _profiles.Count;
            _profileNumbers.Add(profile, number);
            _profiles.Add(profile);
        }
        for (int i = 0; i < count; i++) AddNode(NodeKind.Task, number);
    }

    void IShapeVisitor.Wait(TimeSpan duration)
    {
        if (_waits.Count == 0 || _waits[^1] != duration) _waits.Add(duration);
        AddNode(NodeKind.Wait, _waits.Count - 1);
    }

    void IShapeVisitor.BeginChain(TimeSpan? deadline) =>
        AddContainer(NodeKind.Chain, _containers[_building].Pool, FailurePolicy.Continue, deadline);

    void IShapeVisitor.BeginBatch(int maxConcurrency, FailurePolicy onFailure, TimeSpan? deadline) =>
        AddContainer(NodeKind.Batch, new Pool(Nodes, _containers[_building].Pool, maxConcurrency), onFailure, deadline);

    void IShapeVisitor.End()
    {
        Container ended = _containers[_building];
        if (ended.Parent is null) throw ByteReader.Damaged();
        ended.EndNode = Nodes.Count;
        ended.IsComplete = true;
        _building = Nodes[ended.Node].Parent;
    }

    private void AddContainer(NodeKind kind, Pool pool, FailurePolicy onFailure, TimeSpan? deadline)
    {
        Container parent = _containers[_building];
        int node = Nodes.Count, index = parent.ChildCount;
        if (parent == Root) _itemNodes ??= [.. Enumerable.Range(1, index)];
        AddNode(kind, _containers.Count);
        _building = _containers.Count;
        _containers.Add(new Container
        {
            Node = node,
            Kind = kind,
            Parent = parent,
            Pool = pool,
            OnFailure = onFailure,
            Deadline = deadline,
            IsDownstream = parent.IsDownstream || (parent.Kind == NodeKind.Chain && index > 0),
            EndNode = node + 1,
        });
    }

    private void AddNode(NodeKind kind, int reference)
    {
        ref Node n = ref Nodes.Add();
        n.Kind = kind;
        n.State = JobState.Queued;
        n.Reason = Reason.Upstream;
        n.Ref = reference;
        n.Parent = _building;
        n.Index = _containers[_building].ChildCount++;
        if (_building == 0) _itemNodes?.Add(Nodes.Count - 1);
        if (kind <= NodeKind.Wait) _counts[(int)JobState.Queued]++;
    }
}
