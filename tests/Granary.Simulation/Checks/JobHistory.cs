using Granary.Engines;
using Granary.Simulation.Plans;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Checks;

/// <summary>An append of the plan.</summary>
internal sealed class Appending(string? key, IReadOnlyList<Item> items)
{
    public string? Key => key;
    public IReadOnlyList<Item> Items => items;
    public AppendReceipt? Receipt { get; set; }
    public bool IsRefused { get; set; }
}

/// <summary>What clients know of one job of the plan, and what the disk holds of it.</summary>
internal sealed class JobHistory(History history, JobPlan plan, int number)
{
    private readonly Dictionary<JobId, LogAudit> _written = [];
    private readonly List<Outcome> _shown = [];
    private readonly List<Appending> _appends = [];
    private readonly List<int> _sizes = [];
    private readonly Dictionary<int, byte[]> _inputs = [];
    private readonly Dictionary<int, int> _nodeOfLabel = [];
    private readonly Dictionary<(int Node, int Attempt), int> _called = [];

    public int Number => number;
    public JobPlan Plan => plan;

    /// <summary>Set when a submission was acknowledged.</summary>
    public JobId? Id { get; private set; }

    public bool IsSubmitting { get; set; }

    /// <summary>What is durable of it; null before anything is.</summary>
    public LogAudit? Audit { get; private set; }

    /// <summary>How many completions clients have seen.</summary>
    public int Shown => _shown.Count;

    /// <summary>Retries that were asked for, answered or not.</summary>
    public int RetriesAsked { get; private set; }

    /// <summary>Those that are not answered yet.</summary>
    public int RetriesOpen { get; private set; }

    public IReadOnlyList<Appending> Appends => _appends;

    /// <summary>Pool sizes that were asked for, answered or not.</summary>
    public IReadOnlyList<int> SizesAsked => _sizes;

    public IReadOnlyList<Outcome> Completions => _shown;

    public void Created(JobId job, JobHeader header)
    {
        if (!IsSubmitting) Violate("S2", $"job {job} was never submitted");
        _written.Add(job, new LogAudit(job, header, this));
    }

    /// <summary>Something of it has become durable. Submissions that were given up may have left staged
    /// pieces.</summary>
    public void Written(JobWrite write)
    {
        LogAudit audit = _written[write.Job];
        audit.Written(write);
        if (!audit.IsLive || audit == Audit) return;
        if (Audit is not null) Violate("S2", $"was made twice: as {Audit.Job} and as {write.Job}");
        Audit = audit;
    }

    public void Started(Execution execution, bool wasSplit)
    {
        if (!_inputs.TryGetValue(execution.Node, out byte[]? before)) _inputs.Add(execution.Node, execution.Input);
        else if (!before.AsSpan().SequenceEqual(execution.Input))
            Violate("C1", $"node {execution.Node} was first given {Text(before)}, and then {Text(execution.Input)}");
        if (execution.Label > 0 && !_nodeOfLabel.TryAdd(execution.Label, execution.Node)
            && _nodeOfLabel[execution.Label] != execution.Node)
            Violate("R4",
                $"task {execution.Label} ran as node {_nodeOfLabel[execution.Label]} and as node {execution.Node}");
        if (!_called.TryAdd((execution.Node, execution.Attempt), execution.Process.Number) && !wasSplit
            && _called[(execution.Node, execution.Attempt)] == execution.Process.Number)
            Violate("I3", $"attempt {execution.Attempt} of node {execution.Node} was called twice in one process");
        _called[(execution.Node, execution.Attempt)] = execution.Process.Number;
        if (Audit is null) Violate("S1", "a task of it runs before the job is durable");
        else Audit.Called(execution, wasSplit);
    }

    public void Submitted(Submission submission)
    {
        Id ??= submission.Job;
        history.Note(submission.Job.Value);
        history.Trace($"job {number} is submitted as {submission.Job}{(submission.Existed ? " (existed)" : "")}");
        if (Id != submission.Job) Violate("S2", $"the key gave {Id}, and then {submission.Job}");
        if (Audit is null || Audit.Job != submission.Job || !Audit.IsLive)
            Violate("S1", "its submission was acknowledged before it was durable");
    }

    /// <summary>Somebody asked for the job of its key.</summary>
    public void Found(JobId? found)
    {
        if (found != Id) Violate("S2", $"its key gave {Id}, and {found} was found");
    }

    /// <summary>Somebody listed the jobs: there are few enough for all to be in it.</summary>
    public void Listed(JobPage page, IEnumerable<JobId> known)
    {
        foreach (JobId id in known)
            if (!page.Jobs.Any(status => status.Id == id)) Violate("S1", $"job {id} is not listed");
    }

    public Appending Appending(string? key, IReadOnlyList<Item> items)
    {
        Appending? known = key is null ? null : _appends.Find(a => a.Key == key);
        if (known is null) _appends.Add(known = new Appending(key, items));
        return known;
    }

    public void Appended(Appending appending, AppendReceipt receipt)
    {
        history.Trace($"job {number}: {receipt} for {appending.Key ?? "no key"}");
        if (appending.Receipt is { } before && before != receipt)
            Violate("S2", $"an append was answered {before}, and then {receipt}");
        appending.Receipt = receipt;
        if (receipt.Count != appending.Items.Count)
            Violate("S3", $"{appending.Items.Count} items were appended, and {receipt} was answered");
        if (Audit!.ItemCount < receipt.FirstIndex + receipt.Count)
            Violate("S3",
                $"an append ({receipt}) was acknowledged before it was durable: there are {Audit.ItemCount} items");
        foreach (Appending other in _appends)
        {
            if (other != appending && other.Receipt is { } there
                && there.FirstIndex < receipt.FirstIndex + receipt.Count
                && receipt.FirstIndex < there.FirstIndex + there.Count)
                Violate("S3", $"two appends were answered {there} and {receipt}");
        }
    }

    public void AppendRefused(Appending appending, Refusal refusal)
    {
        if (appending.Receipt is not null) Violate("S2", $"an append was answered, and then refused as {refusal}");
        if (refusal == Refusal.Sealed && !Audit!.WasComplete)
            Violate("S3", "an append was refused as sealed, and nothing had sealed it");
        if (refusal == Refusal.NotABatch && plan.Spec.Kind == JobKind.Batch)
            Violate("S3", "an append was refused as if to a chain");
        appending.IsRefused = true;
    }

    public void Steering(PlanStep step)
    {
        if (step.Kind == StepKind.Retry) (RetriesAsked, RetriesOpen) = (RetriesAsked + 1, RetriesOpen + 1);
        if (step.Kind == StepKind.Resize) _sizes.Add(step.Number);
        history.Trace($"job {number}: {step.Kind} is asked for");
    }

    public void SteerRefused(PlanStep step, Refusal refusal)
    {
        if (step.Kind == StepKind.Retry) RetriesOpen--;
        history.Trace($"job {number}: {step.Kind} is refused: {refusal}");
    }

    /// <param name="scope">How far it reaches.</param>
    /// <param name="retries">Retries asked for when the cancel was sent; −1 if one was on its way.</param>
    public void Canceled(CancelScope scope, int retries)
    {
        history.Trace($"job {number}: cancel of {scope} is acknowledged");
        if (!Audit!.WasEnded && Audit.Cancels == 0) Violate("T1", "a cancel was acknowledged before it was durable");
        Audit.CancelAcknowledged(retries);
    }

    public void Sealed()
    {
        if (plan.Spec.Kind == JobKind.Batch && !Audit!.WasComplete)
            Violate("S3", "a seal was acknowledged before it was durable");
    }

    public void Resized(int size)
    {
        history.Trace($"job {number}: resize to {size} is acknowledged");
        if (!Audit!.HadSize(size)) Violate("T2", $"a resize to {size} was acknowledged before it was durable");
    }

    public void Paused(bool paused)
    {
        history.Trace($"job {number}: {(paused ? "pause" : "resume")} is acknowledged");
        if (paused && Audit!.Pauses == 0) Violate("T2", "a pause was acknowledged before it was durable");
    }

    public void Retried(int count)
    {
        RetriesOpen--;
        history.Trace($"job {number}: {count} items run again");
        if (count > 0 && Audit!.Retries == 0) Violate("T3", "a retry was acknowledged before it was durable");
    }

    /// <summary>A page of completions was shown.</summary>
    public void Show(int after, CompletionPage page)
    {
        foreach (Outcome outcome in page.Outcomes)
        {
            if (outcome.Sequence != ++after)
                Violate("Q2", $"completion {outcome.Sequence} was shown where {after} was due");
            else Show(outcome);
            if (history.Violation is not null) return;
        }
        history.Note(after, page.Outcomes.Count, page.Ended ? 1 : 0);
        if (page.Ended && !Audit!.WasEnded) Violate("Q2", "was shown as ended before that was durable");
    }

    public void Show(int from, IReadOnlyList<Outcome?> outcomes)
    {
        for (int i = 0; i < outcomes.Count; i++)
        {
            if (outcomes[i] is not { } outcome) continue;
            if (outcome.Index != from + i)
                Violate("Q1", $"the outcome of item {outcome.Index} was shown as that of item {from + i}");
            Show(outcome);
        }
    }

    public void Show(JobStatus status)
    {
        if (status.CompletionCount > Audit!.CompletionCount)
            Violate("Q2",
                $"{status.CompletionCount} completions were counted, and {Audit.CompletionCount} are durable");
        if (status.ItemCount > Audit.ItemCount)
            Violate("Q2", $"{status.ItemCount} items were counted, and {Audit.ItemCount} are durable");
        if (status.State.IsEnd() && !Audit.WasEnded) Violate("Q2", "was shown as ended before that was durable");
    }

    /// <summary>The job has ended: its counts are those of its log.</summary>
    public void CheckCounts(JobStatus status)
    {
        (int, int, int) shown = (status.Counts.Succeeded, status.Counts.Failed, status.Counts.Canceled);
        if (shown != Audit!.CountEnded())
            Violate("Q5", $"its counts are {status.Counts}, and should be {Audit.CountEnded()}");
    }

    // Whatever way it is shown, a completion is what it was.
    private void Show(Outcome outcome)
    {
        if (outcome.Sequence > Audit!.CompletionCount)
        {
            Violate("Q2", $"completion {outcome.Sequence} was shown, and only {Audit.CompletionCount} are durable");
            return;
        }
        if (outcome.Sequence <= _shown.Count && _shown[outcome.Sequence - 1] is { } before)
        {
            // A batch inside yields its items as they are now; only a retry by hand changes them.
            bool mayDiffer = RetriesAsked > 0 && outcome.State == JobState.Succeeded
                && outcome.Value.Span.StartsWith("[{"u8);
            if (!Same(before, outcome, mayDiffer))
                Violate("I2", $"completion {outcome.Sequence} was {Text(before)}, and is now {Text(outcome)}");
            return;
        }
        while (_shown.Count < outcome.Sequence) _shown.Add(null!);
        _shown[outcome.Sequence - 1] = outcome;
        history.Note(outcome.Sequence, outcome.Index, (int)outcome.State << 8 | (int)outcome.Reason);
        history.Trace($"job {number}: completion {outcome.Sequence} is {Text(outcome)}");
        Check(outcome);
    }

    private void Check(Outcome outcome)
    {
        Audit!.CheckShown(outcome);
        switch (outcome.State)
        {
            case JobState.Succeeded when TryReadResult(outcome.Value.Span, out int label, out int id):
                CheckResult(outcome, label, id);
                break;
            case JobState.Failed when outcome.Error is null:
                Violate("Q1", $"item {outcome.Index} failed without an error");
                break;
            case JobState.Failed when outcome.Error!.Type.EndsWith("StoreException", StringComparison.Ordinal):
                Violate("R8", $"item {outcome.Index} is {Text(outcome)}: the store's faults are not the task's");
                break;
            case JobState.Failed when outcome.Error!.Message.StartsWith('x'):
                CheckError(outcome, int.Parse(outcome.Error.Message.AsSpan(1)));
                break;
            case JobState.Canceled when Audit!.Cancels == 0
                && outcome.Reason is Reason.BeforeStart or Reason.Stopped or Reason.Abandoned or Reason.BetweenAttempts:
                Violate("T1", $"item {outcome.Index} is {Text(outcome)}, and nobody canceled");
                break;
            default:
                break;
        }
    }

    private void CheckResult(Outcome outcome, int label, int id)
    {
        Execution? execution = id < history.Executions.Count ? history.Executions[id] : null;
        if (execution is not { HasEnded: true, Ending: Ending.Return } || execution.Job != Audit!.Job
            || execution.Label != label)
            Violate("R4", $"item {outcome.Index} is {Text(outcome)}, which no handler returned");
        else if (ItemAt(outcome.Index) is ChainItem chain && LabelOf(chain) is { } last && last != label)
            Violate("C2", $"item {outcome.Index} is {Text(outcome)}, and its last step is task {last}");
        else if (ItemAt(outcome.Index) is TaskItem task && History.TryReadLabel(task.Args.Span, out int its)
            && (its != label || execution.Attempt != outcome.Attempts))
            Violate("R4",
                $"{Text(outcome)} was returned by attempt {execution.Attempt} of task {label}, and not of {its}");
    }

    private void CheckError(Outcome outcome, int id)
    {
        Execution? execution = id < history.Executions.Count ? history.Executions[id] : null;
        if (execution is not { HasEnded: true, Ending: not (Ending.Return or Ending.ReturnTooMuch) }
            || execution.Job != Audit!.Job)
            Violate("R4", $"item {outcome.Index} is {Text(outcome)}, which no handler threw");
    }

    // The last step's label, where that is a task that has one.
    private static int? LabelOf(ChainItem chain) =>
        chain.Steps.LastOrDefault(step => step is not WaitItem) is TaskItem task
        && History.TryReadLabel(task.Args.Span, out int label) ? label : null;

    /// <summary>The item at this position, as far as that is known.</summary>
    public Item? ItemAt(int index)
    {
        if (index < plan.Items.Count) return plan.Items[index];
        foreach (Appending append in _appends)
            if (append.Receipt is { } at && index >= at.FirstIndex && index < at.FirstIndex + at.Count)
                return append.Items[index - at.FirstIndex];
        return null;
    }

    public bool IsTracing => history.IsTracing;

    /// <summary>The clock on the wall went back once: what was due before need not be due any more.</summary>
    public bool HasJumpedBack => history.HasJumpedBack;

    public void Trace(FormattableString what) => history.Trace(what);

    public void Violate(string rule, string what) => history.Violate(rule, $"job {number}: {what}");

    public static bool TryReadResult(ReadOnlySpan<byte> value, out int label, out int id)
    {
        label = id = 0;
        if (value.Length < 5 || value[0] != '[') return false;
        int comma = value.IndexOf((byte)',');
        return comma > 0 && History.TryReadLabel(value[1..comma], out label)
            && History.TryReadLabel(value[(comma + 1)..^1], out id);
    }

    public static bool Same(Outcome a, Outcome b, bool valueMayDiffer = false) =>
        (a.Index, a.Sequence, a.State, a.Reason, a.Attempts, a.StartedAt, a.Duration, a.Error?.Message)
        == (b.Index, b.Sequence, b.State, b.Reason, b.Attempts, b.StartedAt, b.Duration, b.Error?.Message)
        && (valueMayDiffer || a.Value.Span.SequenceEqual(b.Value.Span));

    public static string Text(Outcome o) =>
        $"item {o.Index}: {o.State} ({o.Reason}) after {o.Attempts}, {Text(o.Value.Span)} {o.Error?.Message}";

    private static string Text(ReadOnlySpan<byte> json) => System.Text.Encoding.UTF8.GetString(json);
}
