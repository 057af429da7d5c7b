using System.Globalization;
using System.Text;
using Granary.Engines;
using Granary.Simulation.Worlds;

namespace Granary.Simulation.Plans;

/// <summary>Makes a random plan from a seed.</summary>
internal sealed class PlanMaker(ulong seed)
{
    public const string Handler = "work";

    /// <summary>A handler that some processes do not have.</summary>
    public const string RareHandler = "rare";

    private readonly SimRandom _random = new(seed);
    private readonly List<JobPlan> _jobs = [];
    private readonly List<PlanStep> _steps = [];
    private int _labels;
    private int _budget;

    public static Plan Make(ulong seed) => new PlanMaker(seed).Make();

    private Plan Make()
    {
        int jobs = _random.Pick([1, 1, 1, 2, 2, 3]);
        for (int i = 0; i < jobs; i++) _jobs.Add(MakeJob(i));
        for (int i = 0; i < jobs; i++) Add(new PlanStep { Kind = StepKind.Submit, Job = i });
        bool isLong = _random.Chance(10);
        int commands = _random.Next(isLong ? 16 : 7);
        int faults = _random.Chance(15) ? 0 : _random.Next(isLong ? 12 : 6);
        for (int i = 0; i < commands; i++) Add(Command(_random.Next(jobs)));
        for (int i = 0; i < faults; i++) Add(Fault());
        return new Plan { Seed = seed, Jobs = _jobs, Steps = _steps };
    }

    // Anywhere: also before the submission, for whose answer the clients of its job wait.
    private void Add(PlanStep step) => _steps.Insert(
        _random.Next(_steps.Count + 1), step with { Gap = _random.Chance(50) ? _random.Next(15) : _random.Next(150) });

    private JobPlan MakeJob(int number)
    {
        bool isChain = _random.Chance(25);
        _budget = _random.Between(1, 14);
        List<Item> items = _random.Next(2000) == 0 ? Large() : Items(isChain, 3, _random.Between(0, 8));
        var spec = new JobSpec
        {
            Kind = isChain ? JobKind.Chain : JobKind.Batch,
            Name = number.ToString(CultureInfo.InvariantCulture),
            MaxConcurrency = _random.Pick([1, 1, 2, 2, 3, 5]),
            OnFailure = Policy(),
            Deadline = Sometimes(8, 5, 120),
            Delay = Sometimes(10, 1, 60) ?? TimeSpan.Zero,
            Key = _random.Chance(70) ? $"job {number}" : null,
            SealTimeout = isChain ? null : Sometimes(30, 20, 200),
            Defaults = _random.Chance(40) ? Options() : TaskOptions.Inherit,
        };
        return new JobPlan(spec, items);
    }

    // More than an engine keeps in memory while it takes a submission in: a page is full at 256 KiB.
    private List<Item> Large()
    {
        var items = new List<Item>();
        for (int i = _random.Between(15, 20); i > 0; i--)
        {
            byte[] args = new byte[256 * 1024];
            args.AsSpan().Fill((byte)' ');
            Encoding.ASCII.GetBytes((++_labels).ToString(CultureInfo.InvariantCulture), args);
            items.Add(new TaskItem(Handler, args));
        }
        return items;
    }

    private List<Item> Items(bool inChain, int depth, int count)
    {
        var items = new List<Item>();
        for (int i = 0; i < count && _budget > 0; i++) items.Add(One(inChain, depth, i));
        return items;
    }

    private Item One(bool inChain, int depth, int index)
    {
        _budget--;
        switch (_random.Next(depth > 0 ? 10 : 7))
        {
            case 7 or 8:
                return new ChainItem(Items(true, depth - 1, _random.Between(0, 4)))
                {
                    Deadline = Sometimes(10, 5, 100),
                    Defaults = _random.Chance(20) ? Options() : TaskOptions.Inherit,
                };
            case 9:
                return new BatchItem(Items(false, depth - 1, _random.Between(0, 4)))
                {
                    MaxConcurrency = _random.Between(1, 3),
                    OnFailure = Policy(),
                    Deadline = Sometimes(10, 5, 100),
                };
            case 6 when inChain:
                return Item.Wait(TimeSpan.FromSeconds(_random.Next(40)));
            default:
                string handler = _random.Chance(4) ? RareHandler : Handler;
                bool bare = inChain && index > 0 && _random.Chance(30);
                byte[] args = bare ? [] : Encoding.ASCII.GetBytes((++_labels).ToString(CultureInfo.InvariantCulture));
                return new TaskItem(handler, args) { Options = _random.Chance(25) ? Options() : TaskOptions.Inherit };
        }
    }

    private TaskOptions Options() => new()
    {
        Retries = _random.Chance(70) ? _random.Next(4) : null,
        Backoff = TimeSpan.FromSeconds(_random.Next(4)),
        MaxBackoff = Sometimes(20, 1, 5),
        Timeout = Sometimes(25, 1, 20),
        Deadline = Sometimes(15, 3, 60),
        CancelGrace = Sometimes(50, 0, 5),
        MaxInterruptions = _random.Chance(20) ? _random.Next(3) : null,
    };

    private FailurePolicy Policy() => _random.Chance(25) ? FailurePolicy.CancelPending : FailurePolicy.Continue;

    private TimeSpan? Sometimes(int percent, int from, int to) =>
        _random.Chance(percent) ? TimeSpan.FromSeconds(_random.Between(from, to)) : null;

    private PlanStep Command(int job)
    {
        StepKind kind = _random.Pick<StepKind>(
        [
            StepKind.Append, StepKind.Append, StepKind.Seal, StepKind.Cancel, StepKind.Cancel, StepKind.Resize,
            StepKind.Pause, StepKind.Resume, StepKind.Retry, StepKind.Retry, StepKind.Read, StepKind.Again,
        ]);
        _budget = 3;
        return new PlanStep
        {
            Kind = kind,
            Job = job,
            Number = _random.Between(1, 4),
            Scope = _random.Chance(50) ? CancelScope.All : CancelScope.Pending,
            Items = kind == StepKind.Append ? Items(false, 2, _random.Between(1, 3)) : [],
            Key = kind == StepKind.Append && _random.Chance(75) ? $"append {_steps.Count}" : null,
        };
    }

    private PlanStep Fault()
    {
        StepKind kind = _random.Pick<StepKind>(
        [
            StepKind.Crash, StepKind.Crash, StepKind.Crash, StepKind.Crash, StepKind.StartSecond, StepKind.Stop,
            StepKind.CommitFault, StepKind.CommitFault, StepKind.ReadFault, StepKind.Jump,
        ]);
        return new PlanStep
        {
            Kind = kind,
            Fault = _random.Pick<CommitFault>(
                [CommitFault.Full, CommitFault.Unavailable, CommitFault.UnknownDone, CommitFault.UnknownLost]),
            Number = kind == StepKind.Jump ? _random.Between(-7200, 7200) : _random.Between(1, 3),
        };
    }
}
