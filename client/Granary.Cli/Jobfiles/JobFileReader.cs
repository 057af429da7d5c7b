using System.Text.Json;

namespace Granary.Cli;

/// <summary>
/// Reads a job file: what the job is, and its items one after another in bounded memory. Strict: the first field that
/// is unknown, given twice, missing, of the wrong type or out of range ends it with file, line, column and field.
/// </summary>
internal sealed class JobFileReader
{
    /// <summary>As deep as handlers read arguments.</summary>
    private const int MaxArgsDepth = 64;

    private readonly JsonSource _json;
    private readonly IReadOnlyCollection<string> _handlers;
    private readonly GroupDraft _root = new();
    private JobKind? _kind;
    private int _depth;
    private bool _inChain;
    private int _itemIndex;

    /// <summary>Makes one.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="handlers">The handlers that tasks may name.</param>
    public JobFileReader(Stream stream, string file, IReadOnlyCollection<string> handlers) =>
        (_json, _handlers) = (new JsonSource(stream, file), handlers);

    /// <summary>What the file says besides its items; known when all items have been read.</summary>
    public JobSpec Spec => _root.ToSpec(_kind!.Value);

    /// <summary>The items, or the chain's steps, in order.</summary>
    public IEnumerable<Item> ReadItems()
    {
        _json.Advance();
        if (_json.Token != JsonTokenType.StartObject) throw Wrong("a JSON object");
        while (NextName())
        {
            if (_json.RawText.SequenceEqual("$schema"u8))
            {
                _json.Advance();
                continue;
            }
            string name = _json.Text();
            if (name is not ("batch" or "chain"))
                throw _json.Fault($"unknown field {JsonSource.Quote(name)}",
                    "A job file is {\"batch\": {...}} or {\"chain\": [...]}.");
            if (_kind is not null)
                throw _json.Fault("a job is one batch or one chain", "Nest them: {\"batch\": {\"items\": [...]}}.");
            _kind = name == "batch" ? JobKind.Batch : JobKind.Chain;
            _json.Enter(name);
            _json.Advance();
            _depth = 1;
            foreach (Item item in _kind == JobKind.Batch ? RootGroup("items") : RootChain()) yield return item;
            _json.Leave();
        }
        if (_kind is null) throw _json.Fault("says no job", "A job file is {\"batch\": {...}} or {\"chain\": [...]}.");
        if (_json.Read()) throw _json.Fault("more text follows the job");
    }

    /// <summary>A whole number in a range.</summary>
    public int Whole(int min, int max)
    {
        if (_json.Token != JsonTokenType.Number) throw Wrong("a whole number");
        if (!_json.TryWhole(out int value) || value < min || value > max)
            throw _json.Fault($"must be a whole number from {min:N0} to {max:N0}, is {_json.NumberText()}");
        return value;
    }

    /// <summary>A duration, zero included.</summary>
    public TimeSpan Duration()
    {
        if (_json.Token != JsonTokenType.String) throw Wrong("a duration such as \"1.5s\"");
        string text = _json.Text();
        if (Durations.TryParse(text, out TimeSpan value, out string problem)) return value;
        throw _json.Fault($"{JsonSource.Quote(text)} {problem}", DurationText.Grammar);
    }

    /// <summary>A duration above zero.</summary>
    public TimeSpan Positive()
    {
        TimeSpan value = Duration();
        return value > TimeSpan.Zero ? value : throw _json.Fault("must be longer than zero");
    }

    /// <summary>A duration above zero, or "none" to lift the limit around it.</summary>
    public TimeSpan DurationOrNone()
    {
        bool none = _json.Token == JsonTokenType.String && _json.RawText.SequenceEqual("none"u8);
        return none ? Timeout.InfiniteTimeSpan : Positive();
    }

    /// <summary>continue or cancelPending.</summary>
    public FailurePolicy OnFailure()
    {
        if (_json.Token == JsonTokenType.String && _json.RawText.SequenceEqual("continue"u8))
            return FailurePolicy.Continue;
        if (_json.Token == JsonTokenType.String && _json.RawText.SequenceEqual("cancelPending"u8))
            return FailurePolicy.CancelPending;
        throw Wrong("\"continue\" or \"cancelPending\"");
    }

    /// <summary>A key, title or handler name.</summary>
    public string Name()
    {
        if (_json.Token != JsonTokenType.String) throw Wrong("a text");
        string text = _json.Text();
        if (text.Length == 0) throw _json.Fault("must not be empty");
        if (text.Length > JobDefaults.MaxNameLength)
            throw _json.Fault($"is longer than {JobDefaults.MaxNameLength} characters");
        return text;
    }

    /// <summary>The handler of a task.</summary>
    public void Task(ItemDraft item)
    {
        Be(item, "task");
        item.Handler = Name();
        if (_handlers.Contains(item.Handler)) return;
        string? near = Nearest.Find(item.Handler, _handlers);
        string known = $"Handlers here: {string.Join(", ", _handlers.Order(StringComparer.Ordinal))}.";
        throw _json.Fault(
            $"there is no handler {JsonSource.Quote(item.Handler)}",
            near is null ? known : $"Did you mean \"{near}\"? {known}");
    }

    /// <summary>The arguments of a task: any JSON.</summary>
    public ReadOnlyMemory<byte> Args(ItemDraft item)
    {
        Own(item, "args");
        return _json.Capture(JobDefaults.MaxArgumentBytes, MaxArgsDepth);
    }

    /// <summary>Notes that a field was given that only a task has.</summary>
    public TaskOptions Own(ItemDraft item, string field)
    {
        item.TaskField ??= (field, _json.Position);
        return item.Options;
    }

    /// <summary>A durable wait.</summary>
    public void Wait(ItemDraft item)
    {
        if (!_inChain)
            throw _json.Fault("a wait is a step of a chain, not an item of a batch",
                "Wrap it: {\"chain\": [{\"wait\": \"1m\"}, ...]}.");
        Be(item, "wait");
        item.Built = new WaitItem(Duration());
    }

    /// <summary>A nested chain: its steps, or an object with steps and what they inherit.</summary>
    public void Chain(ItemDraft item)
    {
        Be(item, "chain");
        var chain = new GroupDraft();
        Nest(() =>
        {
            if (_json.Token == JsonTokenType.StartArray) Items(chain, inChain: true);
            else Group(chain, JobFields.Chain, "steps", "a list of steps, or an object with the field \"steps\"");
        });
        item.Built = chain.ToChain();
    }

    /// <summary>A nested batch.</summary>
    public void Batch(ItemDraft item)
    {
        Be(item, "batch");
        var batch = new GroupDraft();
        Nest(() => Group(batch, JobFields.Batch, "items", "an object with the field \"items\""));
        item.Built = batch.ToBatch();
    }

    /// <summary>The items of a nested batch, or the steps of a nested chain.</summary>
    public void Items(GroupDraft group, bool inChain)
    {
        (bool outerInChain, int outerIndex) = (_inChain, _itemIndex);
        (_inChain, _itemIndex) = (inChain, 0);
        StartList();
        while (NextItem()) group.Items.Add(OneItem());
        (_inChain, _itemIndex) = (outerInChain, outerIndex);
    }

    private IEnumerable<Item> RootGroup(string list)
    {
        JobField<GroupDraft>[] fields = _kind == JobKind.Batch ? JobFields.RootBatch : JobFields.RootChain;
        bool hasList = false;
        uint seen = 0;
        if (_json.Token != JsonTokenType.StartObject) throw Wrong($"an object with the field \"{list}\"");
        TextPosition start = _json.Position;
        while (NextName())
        {
            if (_json.Token == JsonTokenType.PropertyName
                && _json.RawText.SequenceEqual(list == "items" ? "items"u8 : "steps"u8))
            {
                if (hasList) throw GivenTwice(list);
                hasList = true;
                _json.Enter(list);
                _json.Advance();
                foreach (Item item in RootList(inChain: _kind == JobKind.Chain)) yield return item;
                _json.Leave();
            }
            else ReadField(fields, _root, ref seen, list);
        }
        if (!hasList) throw _json.Fault(start, $"the field \"{list}\" is missing");
    }

    private IEnumerable<Item> RootChain() =>
        _json.Token == JsonTokenType.StartArray ? RootList(inChain: true)
        : _json.Token == JsonTokenType.StartObject ? RootGroup("steps")
        : throw Wrong("a list of steps, or an object with the field \"steps\"");

    private IEnumerable<Item> RootList(bool inChain)
    {
        (_inChain, _itemIndex) = (inChain, 0);
        StartList();
        while (NextItem()) yield return OneItem();
    }

    private void Group(GroupDraft group, JobField<GroupDraft>[] fields, string list, string expected)
    {
        if (_json.Token != JsonTokenType.StartObject) throw Wrong(expected);
        TextPosition start = _json.Position;
        uint seen = 0;
        while (NextName()) ReadField(fields, group, ref seen);
        int listIndex = Array.FindIndex(fields, field => field.Name == list);
        if ((seen & (1u << listIndex)) == 0) throw _json.Fault(start, $"the field \"{list}\" is missing");
    }

    private Item OneItem()
    {
        _json.Enter(_itemIndex++);
        if (_json.Token != JsonTokenType.StartObject) throw Wrong("an object: a task, chain, batch or wait");
        TextPosition start = _json.Position;
        var draft = new ItemDraft();
        uint seen = 0;
        while (NextName()) ReadField(JobFields.Item, draft, ref seen);
        if (draft.Kind is null)
            throw _json.Fault(start, "says no task, chain, batch or wait",
                "For example {\"task\": \"echo\", \"args\": {\"text\": \"a\"}}.");
        if (draft is { Kind: not "task", TaskField: { } field })
            throw _json.Fault(field.At, $"the field \"{field.Name}\" fits only a task, and this is a {draft.Kind}",
                draft.Kind == "wait"
                    ? "A wait has no other field."
                    : $"Put it inside the {draft.Kind}, or on its tasks.");
        _json.Leave();
        return draft.ToItem();
    }

    private void ReadField<TDraft>(JobField<TDraft>[] fields, TDraft draft, ref uint seen, string more = "")
    {
        int index = 0;
        while (index < fields.Length && !_json.RawText.SequenceEqual(fields[index].Utf8Name)) index++;
        if (index == fields.Length) throw Unknown(fields.Select(field => field.Name), more);
        if ((seen & (1u << index)) != 0) throw GivenTwice(fields[index].Name);
        seen |= 1u << index;
        _json.Enter(fields[index].Name);
        _json.Advance();
        fields[index].Read(this, draft);
        _json.Leave();
    }

    private void Nest(Action read)
    {
        if (++_depth > JobDefaults.MaxDepth)
            throw _json.Fault($"batches and chains nest deeper than {JobDefaults.MaxDepth} levels",
                "Flatten the job, or submit parts of it.");
        read();
        _depth--;
    }

    private void Be(ItemDraft item, string kind)
    {
        if (item.Kind is not null)
            throw _json.Fault($"the item is a {item.Kind} already", "An item is one task, chain, batch or wait.");
        item.Kind = kind;
    }

    // After a name, the caller advances to the value.
    private bool NextName()
    {
        _json.Advance();
        return _json.Token == JsonTokenType.PropertyName;
    }

    private void StartList()
    {
        if (_json.Token != JsonTokenType.StartArray) throw Wrong("a list");
    }

    private bool NextItem()
    {
        _json.Advance();
        return _json.Token != JsonTokenType.EndArray;
    }

    private CliException Unknown(IEnumerable<string> fields, string more)
    {
        string name = _json.Text();
        string[] known = more.Length > 0 ? [.. fields, more] : [.. fields];
        string all = $"Fields here: {string.Join(", ", known)}.";
        return _json.Fault(
            $"unknown field {JsonSource.Quote(name)}",
            Nearest.Find(name, known) is { } near ? $"Did you mean \"{near}\"?" : all);
    }

    private CliException GivenTwice(string name) => _json.Fault($"the field \"{name}\" is given twice");

    private CliException Wrong(string expected) => _json.Fault($"must be {expected}, is {_json.Token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "the text " + JsonSource.Quote(_json.Text()),
        JsonTokenType.Number => _json.NumberText(),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        _ => "null",
    }}");
}
