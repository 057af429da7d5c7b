using System.Text.Json;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>Where a record begins in the numbering of completions.</summary>
/// <param name="Number">The record's number, from 0.</param>
/// <param name="FirstOrdinal">The ordinal of its first completion, counting every node, from 1.</param>
/// <param name="FirstSequence">The sequence number of its first completion of one of the job's own items, from
/// 1.</param>
internal readonly record struct RecordStart(int Number, int FirstOrdinal, int FirstSequence);

/// <summary>Collects the events between two commits and packs them into one record.</summary>
internal sealed class RecordWriter(JobId job, string place)
{
    private readonly ByteWriter _events = new();
    private readonly ByteWriter _values = new();
    private RecordStart _start;
    private Instant _time;
    private int _node;

    /// <summary>Events in the record so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes in the record so far.</summary>
    public int Length => Count == 0 ? 0 : _events.Length + _values.Length;

    public RecordStart Start => _start;

    public void Begin(RecordStart start)
    {
        _start = start;
        Count = 0;
    }

    public void Add(in JobEvent e)
    {
        if (Count++ == 0) BeginRecord(e.At);
        ByteWriter w = _events;
        w.Byte((byte)e.Kind);
        w.Signed(e.At.Micros - _time.Micros);
        _time = e.At;
        switch (e.Kind)
        {
            case EventKind.Started:
                Node(e.Node);
                w.Count(e.Number);
                break;
            case EventKind.Completed:
                WriteCompleted(e);
                break;
            case EventKind.EndedRange:
                Node(e.Node);
                w.Count(e.Number);
                w.Byte((byte)e.State);
                w.Byte((byte)e.Reason);
                WriteItem(e);
                _node = e.Node + e.Number - 1;
                break;
            case EventKind.Retrying:
                Node(e.Node);
                w.Count(e.Number);
                w.Byte((byte)e.Reason);
                w.Time(e.Span);
                w.Text(e.Text);
                WriteError(e.Error!);
                break;
            case EventKind.Parked:
                Node(e.Node);
                w.Time(e.Span);
                break;
            case EventKind.Released or EventKind.Expired or EventKind.Lost:
                Node(e.Node);
                break;
            case EventKind.CancelRequested:
                w.Byte((byte)e.Scope);
                break;
            case EventKind.Resized:
                w.Count(e.Number);
                break;
            case EventKind.Submitted:
                w.Count(e.Pages.Count);
                break;
            case EventKind.Appended:
                w.Count(e.Pages.First);
                w.Count(e.Pages.Count);
                w.Count(e.Item);
                w.Count(e.Number);
                w.Text(e.Text);
                w.Varint(e.ContentHash);
                break;
            case EventKind.Sealed:
                w.Byte((byte)e.Reason);
                break;
            case EventKind.Begun or EventKind.Recovered or EventKind.Paused or EventKind.Resumed
                or EventKind.RetryRequested or EventKind.Unparked:
                break;
        }
    }

    /// <summary>Ends the record; the writer waits for the next <see cref="Begin"/>.</summary>
    public StoredRecord Take()
    {
        ReadOnlyMemory<byte> events = Blob.Seal(_events, job, _start.Number);
        ReadOnlyMemory<byte> values = Blob.Seal(_values, job, _start.Number);
        return new StoredRecord(_start.Number, events, values);
    }

    private void BeginRecord(Instant time)
    {
        Blob.Begin(_events, BlobKind.Events);
        Blob.Begin(_values, BlobKind.Values);
        _events.Signed(time.Micros);
        _events.Count(_start.FirstOrdinal);
        _events.Count(_start.FirstSequence);
        _events.Text(place);
        _time = time;
        _node = 0;
    }

    private void Node(int node)
    {
        _events.Signed(node - _node);
        _node = node;
    }

    private void WriteCompleted(in JobEvent e)
    {
        ByteWriter w = _events;
        Node(e.Node);
        w.Byte((byte)e.State);
        w.Byte((byte)e.Reason);
        w.Count(e.Number);
        w.Time(e.Span);
        WriteItem(e);
        w.Byte((byte)e.Source.Kind);
        if (e.Source.Kind == ValueKind.Inline)
        {
            w.Count(e.Value.Length);
            _values.Raw(e.Value.Span);
        }
        else if (e.Source.Kind != ValueKind.None)
        {
            w.Count(e.Source.Target);
        }
        // Most attempts run where the record is written: a byte says so.
        w.Byte(e.Text == place ? (byte)1 : (byte)0);
        if (e.Text != place) w.Text(e.Text);
        w.Byte(e.Error is null ? (byte)0 : (byte)1);
        if (e.Error is not null) WriteError(e.Error);
    }

    private void WriteItem(in JobEvent e) => _events.Varint(e.Item < 0 ? 0 : (ulong)(e.Node - e.Item));

    private void WriteError(TaskError error)
    {
        int before = _values.Length;
        _values.Text(error.Type);
        _values.Text(error.Message);
        _values.Text(error.Detail);
        _values.Block(error.Data.Span);
        _events.Count(_values.Length - before);
    }
}
