using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>Turns a job's records into spans: attempts, waits and pauses.</summary>
internal sealed class Timeline(JobTree tree, JobHeader header)
{
    private readonly Dictionary<int, (int Attempt, Instant Start)> _running = [];
    private readonly Dictionary<int, (int Attempt, Reason Reason, Instant Start)> _waiting = [];

    /// <summary>The spans that end in this record, in the order they end.</summary>
    public List<TimelineSpan> Read(StoredRecord record)
    {
        var spans = new List<TimelineSpan>();
        var reader = new RecordReader(header.Id, record);
        while (reader.Next(out JobEvent e)) Read(e, spans);
        return spans;
    }

    /// <summary>The spans that go on.</summary>
    public IEnumerable<TimelineSpan> Open() =>
        _running.Select(r => Span(r.Key, r.Value.Attempt, JobState.Running, Reason.None, r.Value.Start, null))
            .Concat(_waiting.Select(w => Span(w.Key, 0, JobState.Waiting, w.Value.Reason, w.Value.Start, null)))
            .OrderBy(span => span.Start);

    private void Read(in JobEvent e, List<TimelineSpan> spans)
    {
        switch (e.Kind)
        {
            case EventKind.Started:
                EndWait(e.Node, e.At, spans);
                _running[e.Node] = (e.Number, e.At);
                break;
            case EventKind.Completed:
                EndWait(e.Node, e.At, spans);
                bool isWait = tree.Nodes[e.Node].Kind == NodeKind.Wait;
                if (isWait) spans.Add(Span(e.Node, 0, e.State, Reason.DurableWait, e.At - e.Span, e.At));
                EndAttempt(e.Node, e.State, e.Reason, e.At, spans);
                break;
            case EventKind.EndedRange:
                for (int i = 0; i < e.Number && _waiting.Count > 0; i++) EndWait(e.Node + i, e.At, spans);
                break;
            case EventKind.Retrying:
                EndAttempt(e.Node, JobState.Failed, e.Reason, e.At, spans);
                _waiting[e.Node] = (e.Number, Reason.RetryBackoff, e.At);
                break;
            case EventKind.Parked:
                EndAttempt(e.Node, JobState.Failed, Reason.NoHandler, e.At, spans);
                _waiting[e.Node] = (0, Reason.NoHandler, e.At);
                break;
            case EventKind.Released:
                EndAttempt(e.Node, JobState.Canceled, Reason.Stopped, e.At, spans);
                break;
            case EventKind.Recovered:
                foreach (int node in _running.Keys.Order().ToArray())
                    EndAttempt(node, JobState.Failed, Reason.Interrupted, e.At, spans);
                break;
            default:
                break;
        }
    }

    private void EndAttempt(int node, JobState state, Reason reason, Instant at, List<TimelineSpan> spans)
    {
        if (_running.Remove(node, out (int Attempt, Instant Start) run))
            spans.Add(Span(node, run.Attempt, state, reason, run.Start, at));
    }

    private void EndWait(int node, Instant at, List<TimelineSpan> spans)
    {
        if (_waiting.Remove(node, out (int Attempt, Reason Reason, Instant Start) wait))
            spans.Add(Span(node, 0, JobState.Waiting, wait.Reason, wait.Start, at));
    }

    private TimelineSpan Span(int node, int attempt, JobState state, Reason reason, Instant start, Instant? end) => new(
        node, tree.PathOf(node), tree.Nodes[node].Kind == NodeKind.Task ? tree.ProfileOf(node).Handler : "",
        attempt, state, reason, start.ToTime(), end?.ToTime());
}
