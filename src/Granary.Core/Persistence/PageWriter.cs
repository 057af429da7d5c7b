using System.Text;
using Granary.Engines;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>What the tokens of a shape are. Persisted: zero is invalid.</summary>
internal enum ShapeToken : byte
{
    Profile = 1,
    Tasks = 2,
    Wait = 3,
    Chain = 4,
    Batch = 5,
    End = 6,
}

/// <summary>
/// Turns items into pages: a shape (what there is, in preorder; equal tasks in a row are one token) and the arguments.
/// The same items always give the same bytes, so that two submissions can be compared page by page.
/// </summary>
internal sealed class PageWriter
{
    /// <summary>
    /// A page ends at so many nodes, or at <see cref="MaxArgsBytes"/>, whichever comes first: large enough that a
    /// row's cost vanishes, small enough that reading one task's arguments stays cheap.
    /// </summary>
    public const int MaxNodes = 1024;

    /// <summary>See <see cref="MaxNodes"/>.</summary>
    public const int MaxArgsBytes = 256 * 1024;

    private readonly JobId _job;
    private readonly Func<string, bool> _handlerExists;
    private readonly int _maxArgumentBytes;
    private readonly List<StoredPage> _full = [];
    private readonly List<(string List, int Index)> _path = [];
    private readonly Dictionary<TaskProfile, int> _profiles = [];
    private readonly TaskOptions _defaults;
    private readonly bool _isChain;

    private readonly ByteWriter _shape = new(64);
    private readonly ByteWriter _args = new();
    private int _pageNumber;
    private int _pageNodes;
    private int _runProfile = -1;
    private int _runLength;
    private int _emptyShapeLength;
    private (string Handler, TaskOptions Options, TaskOptions Outer, int Profile) _last = ("", null!, null!, -1);

    public PageWriter(
        JobHeader header, int firstPage, int firstNode, Func<string, bool> handlerExists, int maxArgumentBytes)
    {
        _job = header.Id;
        _handlerExists = handlerExists;
        _maxArgumentBytes = maxArgumentBytes;
        _pageNumber = firstPage;
        NextNode = firstNode;
        _defaults = header.Spec.Defaults;
        _isChain = header.Spec.Kind == JobKind.Chain;
        BeginPage();
    }

    /// <summary>Items added so far.</summary>
    public int ItemCount { get; private set; }

    /// <summary>The number that the next node gets.</summary>
    public int NextNode { get; private set; }

    /// <summary>Adds one of the job's own items.</summary>
    /// <exception cref="RefusedException">The item breaks a rule; the message says where.</exception>
    public void Add(Item item, int index)
    {
        if (item is TaskItem task && !_isChain)
        {
            // The hot path: a million of these. Only a refusal needs the path.
            AddTask(task, _defaults, index);
        }
        else
        {
            AddNested(item, index);
        }
        ItemCount++;
    }

    private void AddNested(Item item, int index) =>
        Enter(_isChain ? "steps" : "items", index, () => AddItem(item, _defaults, depth: 2, inChain: _isChain));

    /// <summary>The pages that are complete; each is given once.</summary>
    public List<StoredPage> TakeFull()
    {
        var pages = new List<StoredPage>(_full);
        _full.Clear();
        return pages;
    }

    public bool HasFull => _full.Count > 0;

    /// <summary>Ends the last page and gives what is left.</summary>
    public List<StoredPage> Finish()
    {
        if (_pageNodes > 0 || _shape.Length > _emptyShapeLength || _runLength > 0) EndPage();
        return TakeFull();
    }

    private void AddItem(Item item, TaskOptions outer, int depth, bool inChain)
    {
        switch (item)
        {
            case TaskItem task:
                AddTask(task, outer, -1);
                break;
            case WaitItem wait:
                if (!inChain) throw Invalid("is a wait", "waits are steps of chains; put it in a chain");
                SpecRules.CheckTime($"{Path()}.wait", wait.Duration);
                Token(ShapeToken.Wait).Time(wait.Duration);
                AddNode();
                break;
            case ChainItem chain:
                CheckContainer(depth, chain.Defaults, chain.Deadline);
                Token(ShapeToken.Chain).Time(chain.Deadline);
                AddNode();
                AddChildren("steps", chain.Steps, chain.Defaults.Over(outer), depth, inChain: true);
                break;
            case BatchItem batch:
                CheckContainer(depth, batch.Defaults, batch.Deadline);
                SpecRules.CheckPool($"{Path()}.maxConcurrency", batch.MaxConcurrency);
                SpecRules.CheckPolicy($"{Path()}.onFailure", batch.OnFailure);
                ByteWriter shape = Token(ShapeToken.Batch);
                shape.Count(batch.MaxConcurrency);
                shape.Byte((byte)batch.OnFailure);
                shape.Time(batch.Deadline);
                AddNode();
                AddChildren("items", batch.Items, batch.Defaults.Over(outer), depth, inChain: false);
                break;
            default:
                throw Invalid("is null", "give it a task, a chain or a batch");
        }
    }

    private void CheckContainer(int depth, TaskOptions defaults, TimeSpan? deadline)
    {
        if (depth > JobDefaults.MaxDepth)
            throw Invalid("is nested too deep", $"batches and chains nest up to {JobDefaults.MaxDepth} levels");
        SpecRules.CheckOptions($"{Path()}.defaults", defaults);
        SpecRules.CheckLimit($"{Path()}.deadline", deadline);
    }

    private void AddChildren(string list, IReadOnlyList<Item> items, TaskOptions outer, int depth, bool inChain)
    {
        for (int i = 0; i < items.Count; i++)
        {
            Item item = items[i];
            Enter(list, i, () => AddItem(item, outer, depth + 1, inChain));
        }
        Token(ShapeToken.End);
    }

    private void AddTask(TaskItem task, TaskOptions outer, int index)
    {
        if (task.Args.Length > _maxArgumentBytes)
            throw new RefusedException(
                Refusal.Invalid, $"{Path(index)}.args has {task.Args.Length:N0} bytes of JSON; " +
                $"store it elsewhere and pass its address, or raise MaxArgumentBytes ({_maxArgumentBytes:N0}).");
        int profile = FindProfile(task, outer, index);
        if (profile != _runProfile) EndRun();
        _runProfile = profile;
        _runLength++;
        if (task.Args.IsEmpty)
        {
            _args.Byte(0);
        }
        else
        {
            _args.Count(task.Args.Length + 1);
            _args.Raw(task.Args.Span);
        }
        CountNode();
    }

    private int FindProfile(TaskItem task, TaskOptions outer, int index)
    {
        if (ReferenceEquals(task.Handler, _last.Handler) && ReferenceEquals(task.Options, _last.Options)
            && ReferenceEquals(outer, _last.Outer) && _last.Profile >= 0) return _last.Profile;
        SpecRules.CheckHandlerName(Path(index), task.Handler);
        SpecRules.CheckOptions(Path(index), task.Options);
        if (!_handlerExists(task.Handler))
            throw new RefusedException(Refusal.NoHandler,
                $"{Path(index)} names the handler '{task.Handler}', which is not registered; "
                + "register it before the engine starts.");
        TaskProfile profile = TaskProfile.Resolve(task.Handler, task.Options.Over(outer));
        if (!_profiles.TryGetValue(profile, out int number))
        {
            number = _profiles.Count;
            _profiles.Add(profile, number);
            JobCodec.Write(Token(ShapeToken.Profile), profile);
        }
        _last = (task.Handler, task.Options, outer, number);
        return number;
    }

    private ByteWriter Token(ShapeToken token)
    {
        EndRun();
        _shape.Byte((byte)token);
        return _shape;
    }

    private void EndRun()
    {
        if (_runLength == 0) return;
        _shape.Byte((byte)ShapeToken.Tasks);
        _shape.Count(_runProfile);
        _shape.Count(_runLength);
        _runLength = 0;
        _runProfile = -1;
    }

    private void AddNode()
    {
        _args.Byte(0);
        CountNode();
    }

    private void CountNode()
    {
        if (++NextNode >= JobDefaults.MaxNodes)
            throw new RefusedException(
                Refusal.Invalid, $"The job has more than {JobDefaults.MaxNodes:N0} items; submit several jobs.");
        if (++_pageNodes >= MaxNodes || _args.Length >= MaxArgsBytes) EndPage();
    }

    private void EndPage()
    {
        EndRun();
        ReadOnlyMemory<byte> shape = Blob.Seal(_shape, _job, _pageNumber), args = Blob.Seal(_args, _job, _pageNumber);
        _full.Add(new StoredPage(_pageNumber, shape, args));
        _pageNumber++;
        BeginPage();
    }

    private void BeginPage()
    {
        Blob.Begin(_shape, BlobKind.Shape);
        Blob.Begin(_args, BlobKind.Args);
        _shape.Count(NextNode);
        _emptyShapeLength = _shape.Length;
        _pageNodes = 0;
        _profiles.Clear();
        _last.Profile = -1;
    }

    private void Enter(string list, int index, Action add)
    {
        _path.Add((list, index));
        add();
        _path.RemoveAt(_path.Count - 1);
    }

    private string Path(int index = -1)
    {
        if (index >= 0) return $"items[{index}]";
        var text = new StringBuilder();
        foreach ((string list, int at) in _path) text.Append(text.Length > 0 ? "." : "").Append($"{list}[{at}]");
        return text.ToString();
    }

    private RefusedException Invalid(string what, string mend) => SpecRules.Invalid(Path(), what, mend);
}
