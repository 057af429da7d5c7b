using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>Answers the questions about one job: outcomes from its log, the rest from its state.</summary>
internal sealed class JobReader(BatchState state, JobLog log)
{
    /// <summary>An answer that has so many bytes of values is not made longer: 8 MiB.</summary>
    private const int MaxBytes = 8 << 20;

    public BatchState State { get; } = state;

    public JobLog Log { get; } = log;

    /// <summary>
    /// Where the job stands. Everything counted is durable when the log holds all that the state has applied.
    /// </summary>
    public JobSummary Summarize(int recordCount)
    {
        (JobState jobState, Reason reason) = Standing();
        return new JobSummary
        {
            State = jobState,
            Reason = reason,
            Counts = State.Tree.Counts,
            ItemCount = State.Root.ChildCount,
            CompletionCount = State.CompletionCount,
            MaxConcurrency = State.Root.Kind == NodeKind.Batch ? State.Root.Pool.Max : 1,
            Paused = State.Root.Pool.Paused,
            Open = !State.Root.IsComplete && !State.IsEnded,
            FinishedAt = State.FinishedAt,
            PageCount = State.Tree.PageCount,
            RecordCount = recordCount,
        };
    }

    private (JobState, Reason) Standing()
    {
        ref Node root = ref State.Nodes[0];
        JobTree tree = State.Tree;
        if (State.IsEnded) return (root.State, root.Reason);
        if (State.IsCanceling) return (JobState.Canceling, Reason.None);
        if (!State.IsBegun)
            return State.Header.Spec.Delay > TimeSpan.Zero
                ? (JobState.Scheduled, Reason.NotDue)
                : (JobState.Queued, Reason.Ready);
        if (State.Root.Pool.Paused)
            return (State.Running.Count > 0 ? JobState.Running : JobState.Queued, Reason.Paused);
        if (State.Running.Count > 0) return (JobState.Running, Reason.Children);
        if (State.Root.Pool.Peek() >= 0) return (JobState.Queued, Reason.Ready);
        if (tree.Count(JobState.Waiting) > 0) return (JobState.Waiting, FirstWaiting());
        return (JobState.Running, State.Root.IsComplete ? Reason.Children : Reason.Open);
    }

    private Reason FirstWaiting()
    {
        foreach (int node in State.DueAt.Keys)
            if (State.Nodes[node].State == JobState.Waiting) return State.Nodes[node].Reason;
        return Reason.None;
    }

    public async ValueTask<IReadOnlyList<Outcome>> ReadCompletionsAsync(
        int after, int max, CancellationToken cancellation)
    {
        var outcomes = new List<Outcome>(Math.Clamp(Log.CompletionCount - after, 0, max));
        long bytes = 0;
        while (outcomes.Count < max && bytes < MaxBytes)
        {
            ArraySegment<Outcome> items =
                await Log.ReadItemsAsync(after + outcomes.Count, max - outcomes.Count, cancellation);
            if (items.Count == 0) break;
            foreach (Outcome item in items)
            {
                outcomes.Add(IsHere(item) ? item : await ResolveAsync(item, item.Index, cancellation));
                bytes += outcomes[^1].Value.Length;
            }
        }
        return outcomes;
    }

    /// <summary>
    /// The ordinals of some of the job's own items, in submission order; 0 for what has no outcome yet.
    /// </summary>
    public int[] OrdinalsOf(int from, int max)
    {
        int end = (int)Math.Min(State.Root.ChildCount, (long)from + max);
        var ordinals = new int[Math.Max(0, end - from)];
        for (int i = 0; i < ordinals.Length; i++) ordinals[i] = State.Nodes[State.Tree.NodeOfItem(from + i)].Ordinal;
        return ordinals;
    }

    /// <summary>The outcomes of these items; fewer, if they are large.</summary>
    public async ValueTask<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        int from, int[] ordinals, CancellationToken cancellation)
    {
        long bytes = 0;
        var outcomes = new List<Outcome?>(ordinals.Length);
        for (int i = 0; i < ordinals.Length && bytes < MaxBytes; i++)
        {
            Outcome? outcome = ordinals[i] == 0 || ordinals[i] > Log.OrdinalCount
                ? null
                : await ResolveAsync(await Log.FindAsync(ordinals[i], cancellation), from + i, cancellation);
            bytes += outcome?.Value.Length ?? 0;
            outcomes.Add(outcome);
        }
        return outcomes;
    }

    /// <summary>The value itself.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadValueAsync(ValueRef source, CancellationToken cancellation)
    {
        switch (source.Kind)
        {
            case ValueKind.None:
                return default;
            case ValueKind.Earlier:
                Outcome earlier = await Log.FindAsync(source.Target, cancellation);
                return earlier.Source.Kind == ValueKind.Inline
                    ? earlier.Value
                    : await ReadValueAsync(earlier.Source, cancellation);
            case ValueKind.Items:
                return await WriteItemsAsync(source.Target, cancellation);
            default:
                throw ByteReader.Damaged();
        }
    }

    private static bool IsHere(Outcome outcome) => outcome.Source.Kind is ValueKind.None or ValueKind.Inline;

    private async ValueTask<Outcome> ResolveAsync(Outcome o, int index, CancellationToken cancellation)
    {
        if (IsHere(o) && o.Index == index) return o;
        bool failed = o.State == JobState.Failed;
        return new Outcome
        {
            Index = index,
            Sequence = o.Sequence,
            State = o.State,
            Reason = o.Reason,
            Value = failed || IsHere(o) ? o.Value : await ReadValueAsync(o.Source, cancellation),
            Error = failed ? await ErrorAsync(o, cancellation) : null,
            Attempts = o.Attempts,
            StartedAt = o.StartedAt,
            Duration = o.Duration,
            Place = o.Place,
        };
    }

    // A chain or batch fails with the error of what failed in it.
    private async ValueTask<TaskError?> ErrorAsync(Outcome outcome, CancellationToken cancellation) =>
        outcome.Source.Kind == ValueKind.Earlier
            ? await ErrorAsync(await Log.FindAsync(outcome.Source.Target, cancellation), cancellation)
            : outcome.Error;

    // What a batch step yields: its ordered outcomes as a JSON list.
    private async ValueTask<ReadOnlyMemory<byte>> WriteItemsAsync(int batch, CancellationToken cancellation)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        await using var json = new Utf8JsonWriter(buffer);
        json.WriteStartArray();
        Container c = batch == 0 ? State.Root : State.Tree.ContainerOf(batch);
        int index = 0;
        for (int child = c.Node + 1; child < c.EndNode; child = State.Tree.After(child))
        {
            // An item without an outcome runs again: the list was complete when its batch ended, and will be.
            int ordinal = State.Nodes[child].Ordinal;
            if (ordinal == 0 || ordinal > Log.OrdinalCount)
                OutcomeJson.WritePending(json, index++, State.Nodes[child].State);
            else
                OutcomeJson.Write(
                    json, await ResolveAsync(await Log.FindAsync(ordinal, cancellation), index++, cancellation));
        }
        json.WriteEndArray();
        await json.FlushAsync(cancellation);
        return buffer.WrittenMemory;
    }

    public List<PendingTask> ListPending(int after, int max, Func<int, TaskProgress?> progress)
    {
        var pending = new List<PendingTask>();
        for (int node = Math.Max(after, 0) + 1; node < State.Nodes.Count && pending.Count < max; node++)
        {
            Node n = State.Nodes[node];
            if (!n.IsLeaf || n.State.IsEnd()) continue;
            (JobState nodeState, Reason reason) = WhyNotRunning(node, n);
            pending.Add(new PendingTask
            {
                Node = node,
                Path = State.Tree.PathOf(node),
                Handler = n.Kind == NodeKind.Task ? State.Tree.ProfileOf(node).Handler : "",
                State = nodeState,
                Reason = reason,
                Attempts = n.Attempts,
                DueAt = nodeState == JobState.Waiting && State.DueAt.TryGetValue(node, out Instant due)
                    ? due.ToTime()
                    : null,
                StartedAt = State.Running.TryGetValue(node, out RunningAttempt running)
                    ? running.StartedAt.ToTime()
                    : null,
                Progress = running == default ? null : progress(node),
                LastError = State.LastErrors.GetValueOrDefault(node, ""),
            });
        }
        return pending;
    }

    private (JobState, Reason) WhyNotRunning(int node, in Node n)
    {
        if (n.State is JobState.Running or JobState.Canceling) return (n.State, n.Reason);
        if (!State.IsBegun)
            return State.Header.Spec.Delay > TimeSpan.Zero
                ? (JobState.Scheduled, Reason.NotDue)
                : (JobState.Queued, Reason.Ready);
        if (!n.IsReady) return (n.State, n.Reason);
        Pool? pool = State.Tree.ParentOf(node).Pool;
        for (Pool? p = pool; p is not null; p = p.Outer)
            if (p.Paused) return (JobState.Queued, Reason.Paused);
        for (Pool? p = pool; p is not null; p = p.Outer)
            if (p.IsFull) return (JobState.Queued, Reason.PoolFull);
        return (JobState.Queued, Reason.Ready);
    }

    public async IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var timeline = new Timeline(State.Tree, State.Header);
        await foreach (StoredRecord record in Log.ReadAllAsync(cancellation))
            foreach (TimelineSpan span in timeline.Read(record)) yield return span;
        foreach (TimelineSpan span in timeline.Finish(State.DueAt.ToArray())) yield return span;
    }
}
