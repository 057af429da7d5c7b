using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Xunit;

namespace Granary.Core.Tests.Machines;

/// <summary>
/// A machine without an engine: the test is the shell. Every record it takes is kept, so that the job can be
/// replayed.
/// </summary>
internal sealed class MachineRig
{
    private readonly RecordWriter _record;
    private readonly List<StoredPage> _pages = [];
    private readonly List<StoredRecord> _records = [];

    public MachineRig(JobSpec spec, params IReadOnlyList<Item> items)
    {
        Header = new JobHeader(new JobId(42), spec, Now);
        var state = new BatchState(Header);
        AddPages(state, items, 0);
        _record = new RecordWriter(Header.Id, "here");
        Machine = new BatchMachine(state, _record);
        Begin();
        Machine.Submit(Now);
        Turn();
    }

    public JobHeader Header { get; }
    public BatchMachine Machine { get; }
    public BatchState State => Machine.State;
    public Instant Now { get; private set; } = Instant.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Every start so far, as paths.</summary>
    public List<string> Starts { get; } = [];

    /// <summary>Attempts that run, in the order they started.</summary>
    public List<Effect> Running { get; } = [];

    public static JobSpec Batch(int pool = 2) => new() { Kind = JobKind.Batch, MaxConcurrency = pool };

    public static JobSpec Chain() => new() { Kind = JobKind.Chain };

    public static TaskItem Task(TaskOptions? options = null) => Item.Task("work", 1, options);

    public void Succeed(string path, string value = "1") =>
        Report(path, new AttemptResult
        {
            End = AttemptEnd.Succeeded,
            Duration = default,
            Place = "here",
            Value = System.Text.Encoding.UTF8.GetBytes(value),
            Reason = Reason.None,
        });

    public void Fail(string path, bool retryable = true, TimeSpan? after = null) => Report(path, new AttemptResult
    {
        End = AttemptEnd.Failed,
        Duration = default,
        Place = "here",
        Reason = Reason.None,
        Retryable = retryable,
        RetryAfter = after,
        Error = TaskError.Of("Broken", "It broke."),
    });

    public void End(string path, AttemptEnd end) =>
        Report(path, new AttemptResult { End = end, Duration = default, Place = "here", Reason = Reason.None });

    public void Report(string path, AttemptResult result)
    {
        Effect running = Running.Find(e => State.Tree.PathOf(e.Node) == path);
        Assert.True(running.Attempt > 0, $"{path} is not running");
        Running.Remove(running);
        Machine.AttemptEnded(running.Node, running.Attempt, result, Now);
        Turn();
    }

    public void Pass(TimeSpan time)
    {
        Now += time;
        Machine.Tick(Now);
        Turn();
    }

    public void Tell(Func<BatchMachine, Instant, Refusal> command)
    {
        Assert.Equal(Refusal.None, command(Machine, Now));
        Turn();
    }

    public AppendReceipt Append(params IReadOnlyList<Item> items)
    {
        var receipt = new AppendReceipt(State.Root.ChildCount, items.Count);
        int first = State.Tree.PageCount;
        AddPages(State, items, first);
        Tell((m, now) => m.Append(first, receipt, "", 0, now));
        return receipt;
    }

    /// <summary>The job as another holder would find it: rebuilt from its pages and records alone.</summary>
    public BatchState Replay()
    {
        var state = new BatchState(Header);
        foreach (StoredRecord record in _records)
        {
            var reader = new RecordReader(Header.Id, record);
            while (reader.Next(out JobEvent e))
            {
                if (e.Kind is EventKind.Submitted or EventKind.Appended)
                    for (int i = 0; i < e.Pages.Count; i++) state.Tree.AddPage(_pages[e.Pages.First + i]);
                state.Apply(e);
            }
        }
        return state;
    }

    /// <summary>All that counts of a state, as text.</summary>
    public static string Describe(BatchState state)
    {
        string counts = $"{state.Tree.Counts} {state.CompletionCount} {state.OrdinalCount}";
        var lines = new List<string> { $"{counts} {state.IsBegun} {state.FinishedAt}" };
        for (int node = 0; node < state.Nodes.Count; node++)
        {
            Node n = state.Nodes[node];
            string due = state.DueAt.TryGetValue(node, out Instant at) ? at.ToString() : "";
            lines.Add($"{node} {n.Kind} {n.State} {n.Reason} {n.Attempts} {n.Ordinal} {due}");
        }
        return string.Join('\n', lines);
    }

    private void Turn()
    {
        foreach (Effect effect in Machine.Effects)
        {
            if (effect.Kind != EffectKind.Start) continue;
            Starts.Add(State.Tree.PathOf(effect.Node));
            Running.Add(effect);
        }
        Machine.Effects.Clear();
        Machine.StartAllowance = BatchMachine.StartLimit;
        Machine.IsSteered = false;
        if (_record.Count == 0) return;
        _records.Add(_record.Take());
        Begin();
    }

    private void Begin() =>
        _record.Begin(new RecordStart(_records.Count, State.OrdinalCount + 1, State.CompletionCount + 1));

    private void AddPages(BatchState state, IReadOnlyList<Item> items, int first)
    {
        var writer = new PageWriter(Header, first, state.Nodes.Count, _ => true, JobDefaults.MaxArgumentBytes);
        for (int i = 0; i < items.Count; i++) writer.Add(items[i], state.Root.ChildCount + i);
        foreach (StoredPage page in writer.Finish())
        {
            _pages.Add(page);
            state.Tree.AddPage(page);
        }
    }
}
