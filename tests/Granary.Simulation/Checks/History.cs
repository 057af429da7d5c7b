using System.Text;
using Granary.Persistence;
using Granary.Simulation.Plans;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Checks;

/// <summary>A broken rule.</summary>
internal sealed record Violation(string Rule, string What);

/// <summary>What clients and handlers have seen, and what has become durable. Each new thing is checked against what
/// is known.</summary>
internal sealed class History
{
    private readonly World _world;
    private readonly List<Execution> _executions = [];
    private readonly Dictionary<int, int> _jobOfLabel = [];
    private readonly Dictionary<JobId, JobHistory> _byId = [];
    private readonly List<string>? _trace;
    private ulong _hash = 14_695_981_039_346_656_037;

    public History(Plan plan, World world, bool tracing)
    {
        _world = world;
        if (tracing) _trace = [];
        Jobs = [.. plan.Jobs.Select((job, i) => new JobHistory(this, job, i))];
        foreach (JobHistory job in Jobs) Label(job.Plan.Items, job.Number);
        foreach (PlanStep step in plan.Steps) Label(step.Items, step.Job);
    }

    public JobHistory[] Jobs { get; }

    /// <summary>The first rule that was broken.</summary>
    public Violation? Violation { get; private set; }

    /// <summary>Processes killed so far.</summary>
    public int Crashes { get; set; }

    public IReadOnlyList<Execution> Executions => _executions;

    /// <summary>All that happened, as one number: the same for the same seed.</summary>
    public ulong Hash => _hash;

    public bool HasJumpedBack => _world.Clock.HasJumpedBack;

    public bool IsTracing => _trace is not null;

    public IReadOnlyList<string> Lines => _trace ?? [];

    public void Violate(string rule, string what)
    {
        Trace($"VIOLATION of {rule}: {what}");
        Violation ??= new Violation(rule, what);
    }

    public void Trace(FormattableString what)
    {
        _trace?.Add($"{_world.Steps,6} {_world.Clock.Elapsed / (double)TimeSpan.TicksPerSecond,9:f3} {what}");
    }

    /// <summary>A handler was called.</summary>
    public Execution Started(SimProcess process, TaskContext task, Temper temper, Ending ending)
    {
        int label = LabelOf(task);
        var execution = new Execution(process, task, _executions.Count, label, temper, ending);
        _executions.Add(execution);
        Note(task.Job.Value ^ task.Node, task.Attempt, label);
        Trace($"process {process.Number} runs {task.Job}: {execution}");
        if (!_byId.TryGetValue(task.Job, out JobHistory? job))
            Violate("S1", $"a task of job {task.Job} runs, which is not durable");
        else if (label > 0 && _jobOfLabel[label] != job.Number)
            Violate("R4", $"task {label} of job {_jobOfLabel[label]} runs in job {job.Number}");
        else
            job.Started(execution, _world.WasSplit);
        return execution;
    }

    /// <summary>Something has become durable.</summary>
    public void Written(JobWrite write, string? key)
    {
        if (!_byId.TryGetValue(write.Job, out JobHistory? job))
        {
            JobHeader header = JobCodec.ReadHeader(write.Job, write.Header!.Value);
            _byId.Add(write.Job, job = Jobs[int.Parse(header.Spec.Name)]);
            job.Created(write.Job, header);
        }
        Note(write.Job.Value, write.Record?.Number ?? -1, write.Record?.Events.Length ?? 0);
        job.Written(write);
    }

    public void Note(long one, int two = 0, int three = 0)
    {
        _hash = (_hash ^ (ulong)one) * 1_099_511_628_211;
        _hash = (_hash ^ (ulong)((long)two << 32 | (uint)three)) * 1_099_511_628_211;
        _hash ^= _hash >> 29;
    }

    /// <summary>Reads a number that stands alone, but for spaces after it.</summary>
    public static bool TryReadLabel(ReadOnlySpan<byte> args, out int label) =>
        System.Buffers.Text.Utf8Parser.TryParse(args, out label, out int length)
        && (length == args.Length || args[length..].TrimEnd((byte)' ').IsEmpty);

    // A step without arguments of its own has no label: it is given what came before it.
    private static int LabelOf(TaskContext task) => TryReadLabel(task.Args.Span, out int label) ? label : 0;

    private void Label(IReadOnlyList<Item> items, int job)
    {
        foreach (Item item in items)
        {
            if (item is TaskItem task && TryReadLabel(task.Args.Span, out int label)) _jobOfLabel[label] = job;
            else if (item is ChainItem chain) Label(chain.Steps, job);
            else if (item is BatchItem batch) Label(batch.Items, job);
        }
    }

    public string Describe()
    {
        var text = new StringBuilder();
        foreach (string line in Lines) text.AppendLine(line);
        return text.ToString();
    }
}
