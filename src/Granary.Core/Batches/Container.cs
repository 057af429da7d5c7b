using Granary.Persistence;

namespace Granary.Batches;

/// <summary>A batch or chain inside a job, the job itself included.</summary>
internal sealed class Container
{
    // Times at which its tasks became ready, each with the first node it holds for; one, unless items were appended.
    private List<(int First, Instant At)>? _readyTimes;
    private (int First, Instant At) _ready = (-1, Instant.Never);

    public required int Node { get; init; }
    public required NodeKind Kind { get; init; }
    public required Container? Parent { get; init; }

    /// <summary>A batch's own pool; a chain's is that of the batch around it.</summary>
    public required Pool Pool { get; init; }

    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Continue;
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// It, or something around it, is a chain's second or later step: what starts in it depends on an earlier
    /// outcome.
    /// </summary>
    public bool IsDownstream { get; init; }

    /// <summary>One past its last node; grows while items are added.</summary>
    public int EndNode { get; set; }

    public int ChildCount { get; set; }

    /// <summary>All its items are known.</summary>
    public bool IsComplete { get; set; }

    public bool IsReached { get; set; }
    public Instant ReachedAt { get; set; }
    public int EndedCount { get; set; }
    public int FailedCount { get; set; }
    public int CanceledCount { get; set; }

    /// <summary>The first child that failed, or else was canceled; −1 while there is none.</summary>
    public int FirstBad { get; set; } = -1;

    /// <summary>Its deadline has passed.</summary>
    public bool IsExpired { get; set; }

    /// <summary>A chain: what the next step is given.</summary>
    public ValueRef Value { get; set; } = ValueRef.None;

    public bool IsDone => IsComplete && EndedCount == ChildCount;

    /// <summary>A task in it has become ready.</summary>
    public void NoteReady(int node, Instant at)
    {
        if (at == _ready.At) return;
        if (Kind == NodeKind.Chain || node <= _ready.First) _readyTimes = null;
        else if (_ready.First >= 0) (_readyTimes ??= []).Add(_ready);
        _ready = (node, at);
    }

    /// <summary>When a task in it became ready that has not been started before.</summary>
    public Instant ReadyAt(int node)
    {
        if (node >= _ready.First || _readyTimes is null) return _ready.At;
        int low = 0, high = _readyTimes.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_readyTimes[middle].First <= node) low = middle;
            else high = middle - 1;
        }
        return _readyTimes[low].At;
    }
}
