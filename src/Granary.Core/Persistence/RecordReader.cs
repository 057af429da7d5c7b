using Granary.Engines;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>
/// Reads a record's events in order; with their values and errors if the record was loaded with values.
/// </summary>
internal ref struct RecordReader
{
    private readonly ReadOnlyMemory<byte> _values;
    private readonly bool _withValues;
    private ByteReader _events;
    private Instant _time;
    private int _node;
    private int _valuePosition;

    public RecordReader(JobId job, StoredRecord record)
    {
        _events = new ByteReader(Blob.Open(record.Events, BlobKind.Events, job, record.Number).Span);
        _withValues = !record.Values.IsEmpty;
        _values = _withValues ? Blob.Open(record.Values, BlobKind.Values, job, record.Number) : default;
        _time = new Instant(_events.Signed());
        Start = new RecordStart(record.Number, _events.Count(), _events.Count());
        Place = _events.Text();
    }

    public RecordStart Start { get; }

    /// <summary>Where the record was written.</summary>
    public string Place { get; }

    public bool Next(out JobEvent e)
    {
        e = default;
        if (_events.AtEnd) return false;
        var kind = _events.Enum<EventKind>();
        _time = new Instant(_time.Micros + _events.Signed());
        e = new JobEvent { Kind = kind, At = _time, Item = -1, Text = "", Source = ValueRef.None };
        switch (kind)
        {
            case EventKind.Started:
                e = e with { Node = Node(), Number = _events.Count() };
                break;
            case EventKind.Completed:
                e = ReadCompleted(e);
                break;
            case EventKind.EndedRange:
                e = e with
                {
                    Node = Node(),
                    Number = _events.Count(),
                    State = _events.Enum<JobState>(),
                    Reason = _events.Enum<Reason>(),
                };
                e = e with { Item = Item(e.Node) };
                _node = e.Node + e.Number - 1;
                break;
            case EventKind.Retrying:
                e = e with
                {
                    Node = Node(),
                    Number = _events.Count(),
                    Reason = _events.Enum<Reason>(),
                    Span = Span(),
                    Text = _events.Text(),
                };
                e = e with { Error = ReadError() };
                break;
            case EventKind.Parked:
                e = e with { Node = Node(), Span = Span() };
                break;
            case EventKind.Released or EventKind.Expired or EventKind.Lost:
                e = e with { Node = Node() };
                break;
            case EventKind.CancelRequested:
                e = e with { Scope = _events.Enum<CancelScope>() };
                break;
            case EventKind.Resized:
                e = e with { Number = _events.Count() };
                break;
            case EventKind.Submitted:
                e = e with { Pages = (0, _events.Count()) };
                break;
            case EventKind.Appended:
                e = e with
                {
                    Pages = (_events.Count(), _events.Count()),
                    Item = _events.Count(),
                    Number = _events.Count(),
                };
                e = e with { Text = _events.Text(), ContentHash = (uint)_events.Varint() };
                break;
            case EventKind.Sealed:
                e = e with { Reason = _events.Enum<Reason>() };
                break;
            case EventKind.Begun or EventKind.Recovered or EventKind.Paused or EventKind.Resumed
                or EventKind.RetryRequested or EventKind.Unparked:
                break;
        }
        return true;
    }

    private JobEvent ReadCompleted(in JobEvent head)
    {
        int node = Node();
        JobEvent e = head with
        {
            Node = node,
            State = _events.Enum<JobState>(),
            Reason = _events.Enum<Reason>(),
            Number = _events.Count(),
            Span = Span(),
            Item = Item(node),
        };
        var source = _events.Enum<ValueKind>();
        if (source == ValueKind.Inline)
            e = e with { Source = new ValueRef(source), Value = TakeValue(_events.Count()) };
        else if (source != ValueKind.None)
            e = e with { Source = new ValueRef(source, _events.Count()) };
        e = e with { Text = _events.Byte() != 0 ? Place : _events.Text() };
        return _events.Byte() == 0 ? e : e with { Error = ReadError() };
    }

    private int Node() => _node += (int)_events.Signed();

    private TimeSpan Span() => _events.Time() ?? throw ByteReader.Damaged();

    private int Item(int node) => _events.Varint() is > 0 and var distance ? node - (int)distance : -1;

    private ReadOnlyMemory<byte> TakeValue(int length)
    {
        if (!_withValues) return default;
        if (length > _values.Length - _valuePosition) throw ByteReader.Damaged();
        ReadOnlyMemory<byte> value = _values.Slice(_valuePosition, length);
        _valuePosition += length;
        return value;
    }

    private TaskError? ReadError()
    {
        ReadOnlyMemory<byte> bytes = TakeValue(_events.Count());
        if (!_withValues) return null;
        var r = new ByteReader(bytes.Span);
        string type = r.Text(), message = r.Text(), detail = r.Text();
        int length = r.Block().Length;
        return new TaskError
        {
            Type = type,
            Message = message,
            Detail = detail,
            Data = bytes.Slice(r.Position - length, length),
        };
    }
}
