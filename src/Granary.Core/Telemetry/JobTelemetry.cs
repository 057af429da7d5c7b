using System.Diagnostics;
using Granary.Batches;

namespace Granary.Telemetry;

/// <summary>What one job in memory shows of itself. Called in its activation's turns, or under its gate.</summary>
internal sealed class JobTelemetry
{
    private readonly BatchState _state;
    private readonly LiveJobs _live;
    private readonly TelemetryOptions _options;
    private TaskEnds _taken, _durable;
    private TraceContext _parent, _link;

    // By chain, in a job whose attempts have traces of their own: where the chain's trace began.
    private Dictionary<int, TraceContext>? _chains;

    public JobTelemetry(BatchState state, LiveJobs live, TelemetryOptions options)
    {
        (_state, _live, _options) = (state, live, options);
        _taken = _durable = state.Tree.Ends;
        _parent = state.Header.Trace;
    }

    /// <summary>Guarded by <see cref="LiveJobs"/>, as are its neighbors.</summary>
    public bool IsLive { get; set; }

    public JobTelemetry? Next { get; set; }

    public JobTelemetry? Previous { get; set; }

    public JobCounts Counts => _state.Tree.Counts;

    /// <summary>The job was taken over; its attempts belong to that from here on.</summary>
    public void Recover(Action take)
    {
        Activity? span = Spans.Recover(_state.Header, _state.Running.Count);
        Instruments.Recovered();
        _live.Add(this);
        if (span is not null) (_parent, _link) = (TraceContext.Of(span), _state.Header.Trace);
        take();
        if (span is not null) Spans.StopAside(span);
    }

    /// <summary>A record has been taken to be written.</summary>
    public void Taken() => _taken = _state.Tree.Ends;

    /// <summary>The record that was taken last is durable.</summary>
    public void Durable(bool isFinished)
    {
        Instruments.Completed(_durable, _taken);
        _durable = _taken;
        // It may have finished before, and been retried.
        if (isFinished) _live.Remove(this);
        else if (!IsLive) _live.Add(this);
    }

    /// <summary>The job is not in this process any more.</summary>
    public void End() => _live.Remove(this);

    /// <summary>Where an attempt that starts now belongs; null where nobody asks.</summary>
    public AttemptTrace? TraceOf(int node)
    {
        if (_parent.Parent is null && !Spans.AreOn) return null;
        string path = _state.Tree.PathOf(node);
        if (_state.Nodes.Count - 1 <= _options.MaxItemsPerTrace) return new AttemptTrace(path, _parent, _link);
        TraceContext chain = _chains?.GetValueOrDefault(_state.Nodes[node].Parent) ?? default;
        return new AttemptTrace(path, chain, _state.Header.Trace);
    }

    /// <summary>The machine has been told how an attempt ended.</summary>
    /// <param name="node">The task.</param>
    /// <param name="result">How.</param>
    /// <param name="handler">The handler's name.</param>
    /// <param name="span">The attempt's own span, where there is one.</param>
    public void AttemptEnded(int node, in AttemptResult result, string handler, TraceContext span)
    {
        Instruments.Ended(result, handler);
        if (result.End == AttemptEnd.Lost) Instruments.Lost(1);
        if (result.End == AttemptEnd.Failed && !_state.Nodes[node].State.IsEnd()) Instruments.Retried(handler);
        if (span.Parent is not null && _state.Nodes.Count - 1 > _options.MaxItemsPerTrace) Follow(node, span);
    }

    private void Follow(int node, TraceContext span)
    {
        Container around = _state.Tree.ParentOf(node);
        if (around.Kind != NodeKind.Chain) return;
        int chain = _state.Nodes[node].Parent;
        if (_state.Nodes[around.Node].State.IsEnd()) _chains?.Remove(chain);
        else (_chains ??= []).TryAdd(chain, span);
    }
}
