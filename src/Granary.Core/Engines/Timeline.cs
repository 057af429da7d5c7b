using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>Turns a job's records into spans (attempts, waits and pauses) in the order they began.</summary>
internal sealed class Timeline(JobTree tree, JobHeader header)
{
    private readonly Dictionary<int, Entry> _attempts = [];
    private readonly Dictionary<int, Entry> _waits = [];

    // In the order they began; one that has ended waits here for those that began before it.
    private readonly Queue<Entry> _order = new();

    /// <summary>The spans that are complete after this record.</summary>
    public IEnumerable<TimelineSpan> Read(StoredRecord record)
    {
        var reader = new RecordReader(header.Id, record);
        while (reader.Next(out JobEvent e)) Read(e);
        return Take(all: false);
    }

    /// <summary>The rest: the spans that go on, and those after them.</summary>
    public IEnumerable<TimelineSpan> Finish(IEnumerable<KeyValuePair<int, Instant>> due)
    {
        // The beginning of a wait is not recorded, since it follows from its end.
        foreach ((int node, Instant at) in due)
            if (tree.Nodes[node] is { Kind: NodeKind.Wait, State: JobState.Waiting })
                Begin(_waits, node, 0, JobState.Waiting, Reason.DurableWait, at - tree.WaitOf(node));
        return Take(all: true);
    }

    private IEnumerable<TimelineSpan> Take(bool all)
    {
        while (_order.TryPeek(out Entry? entry) && (all || entry.End is not null))
            yield return ToSpan(_order.Dequeue());
    }

    private void Read(in JobEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.Started:
                End(_waits, e.Node, JobState.Waiting, null, e.At);
                Begin(_attempts, e.Node, e.Number, JobState.Running, Reason.None, e.At);
                break;
            case EventKind.Completed:
                if (tree.Nodes[e.Node].Kind == NodeKind.Wait)
                    Begin(_waits, e.Node, 0, JobState.Waiting, Reason.DurableWait, e.At - e.Span);
                End(_waits, e.Node, JobState.Waiting, null, e.At);
                End(_attempts, e.Node, e.State, e.Reason, e.At);
                break;
            case EventKind.EndedRange:
                for (int i = 0; i < e.Number && _waits.Count > 0; i++)
                    End(_waits, e.Node + i, JobState.Waiting, null, e.At);
                break;
            case EventKind.Retrying:
                End(_attempts, e.Node, JobState.Failed, e.Reason, e.At);
                Begin(_waits, e.Node, 0, JobState.Waiting, Reason.RetryBackoff, e.At);
                break;
            case EventKind.Parked:
                End(_attempts, e.Node, JobState.Failed, Reason.NoHandler, e.At);
                Begin(_waits, e.Node, 0, JobState.Waiting, Reason.NoHandler, e.At);
                break;
            case EventKind.Released:
                End(_attempts, e.Node, JobState.Canceled, Reason.Stopped, e.At);
                break;
            case EventKind.Lost:
                End(_attempts, e.Node, JobState.Failed, Reason.Interrupted, e.At);
                break;
            case EventKind.Recovered:
                foreach (int node in _attempts.Keys.ToArray())
                    End(_attempts, node, JobState.Failed, Reason.Interrupted, e.At);
                break;
            default:
                break;
        }
    }

    private void Begin(Dictionary<int, Entry> open, int node, int attempt, JobState state, Reason reason, Instant at)
    {
        var entry = new Entry { Node = node, Attempt = attempt, State = state, Reason = reason, Start = at };
        open[node] = entry;
        _order.Enqueue(entry);
    }

    private static void End(Dictionary<int, Entry> open, int node, JobState state, Reason? reason, Instant at)
    {
        if (!open.Remove(node, out Entry? entry)) return;
        entry.State = state;
        entry.Reason = reason ?? entry.Reason;
        entry.End = at;
    }

    private TimelineSpan ToSpan(Entry e) => new(
        e.Node, tree.PathOf(e.Node), tree.Nodes[e.Node].Kind == NodeKind.Task ? tree.ProfileOf(e.Node).Handler : "",
        e.Attempt, e.State, e.Reason, e.Start.ToTime(), e.End?.ToTime());

    private sealed class Entry
    {
        public required int Node { get; init; }
        public required int Attempt { get; init; }
        public required Instant Start { get; init; }
        public required JobState State { get; set; }
        public required Reason Reason { get; set; }
        public Instant? End { get; set; }
    }
}
