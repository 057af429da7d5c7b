using Granary.Embedded;
using Granary.Simulation.Checks;
using Granary.Simulation.Clients;
using Granary.Simulation.Plans;

namespace Granary.Simulation.Worlds;

/// <summary>
/// One history: processes, a disk, a clock and clients in one thread. In each step one thing that could happen next
/// happens, chosen
/// by chance from the seed.
/// </summary>
internal sealed class World
{
    /// <summary>Steps after which a history is taken to go round in circles.</summary>
    private const int MaxSteps = 60_000;

    /// <summary>Time from the end of the faults in which everything must have ended. The longest that a plan can ask
    /// for are some
    /// retries, each after a minute at most, and waits, one after another.</summary>
    private static readonly long MaxHealing = TimeSpan.FromHours(3).Ticks;

    private readonly Plan _plan;
    private readonly List<SimProcess> _processes = [];
    private readonly SimContext _clients;
    private readonly HandlerRegistry _handlers = new(), _fewHandlers = new();
    private readonly Population _population;
    private readonly int[] _weights;
    private readonly int _failPercent;
    private readonly int _hangPercent;
    private readonly List<(Happening What, SimProcess? Process, int Weight)> _choices = [];
    private int _nextStep;
    private int _nextStepAt;
    private int _healAt = int.MaxValue;
    private long _healedAt;
    private int _started;

    public World(Plan plan, PlantedBug planted, bool tracing)
    {
        (_plan, Planted) = (plan, planted);
        Random = new SimRandom(plan.Seed * 2 + 1);
        Faults = new Faults(Random);
        History = new History(plan, this, tracing);
        Disk = new SimStore(planted) { OnDurable = History.Written };
        Pokes = Pokes.For(planted);
        _clients = new SimContext(Thread);
        _population = new Population(this, plan);
        var handler = new SimHandler(this);
        _handlers.Add(PlanMaker.Handler, handler).Add(PlanMaker.RareHandler, handler);
        _fewHandlers.Add(PlanMaker.Handler, handler);
        _weights = new int[(int)Happening.Count];
        for (int i = 0; i < _weights.Length; i++) _weights[i] = Random.Pick([1, 4, 4, 16]);
        _weights[(int)Happening.Time] = Random.Pick([0, 1, 1, 4]);
        _failPercent = Random.Pick([0, 10, 20, 40]);
        _hangPercent = Random.Pick([0, 0, 10, 25]);
    }

    private enum Happening
    {
        Client = 0,
        Continuation = 1,
        Turn = 2,
        Flush = 3,
        Commit = 4,
        Handler = 5,
        Time = 6,
        Plan = 7,
        Start = 8,
        Count = 9,
    }

    public int Thread { get; } = Environment.CurrentManagedThreadId;
    public SimClock Clock { get; } = new();
    public SimRandom Random { get; }
    public Faults Faults { get; }
    public SimStore Disk { get; }
    public History History { get; }
    public PlantedBug Planted { get; }
    public Pokes? Pokes { get; }

    /// <summary>Two processes have run at once: then one that was replaced does not know it until it writes.</summary>
    public bool WasSplit { get; private set; }

    /// <summary>Steps taken so far.</summary>
    public int Steps { get; private set; }

    /// <summary>Nothing goes wrong any more: what is left must end.</summary>
    public bool IsHealing { get; private set; }

    public void Trace(FormattableString what) => History.Trace(what);

    public void Run()
    {
        _clients.Run(_ => _population.Start(), null);
        while (!_population.IsDone && History.Violation is null) Step();
        foreach (SimProcess process in _processes) process.Kill();
    }

    /// <summary>A process that serves, if there is one.</summary>
    public SimProcess? FindProcess()
    {
        int first = Random.Next(Math.Max(1, _processes.Count));
        for (int i = 0; i < _processes.Count; i++)
        {
            SimProcess process = _processes[(first + i) % _processes.Count];
            if (process.IsUp) return process;
        }
        return null;
    }

    /// <summary>A handler is called.</summary>
    public Execution Begin(TaskContext task)
    {
        SimProcess process = ((SimContext)SynchronizationContext.Current!).Process!;
        int roll = Random.Next(100);
        Temper temper = IsHealing || roll >= _hangPercent
            ? Random.Chance(20) ? Temper.AtOnce : Temper.Normal
            : Random.Chance(60) ? Temper.Waiting : Temper.Deaf;
        Ending ending = Random.Chance(_failPercent)
            ? Random.Pick([Ending.Throw, Ending.Throw, Ending.Throw, Ending.ThrowForGood, Ending.ThrowForLater,
                Ending.ReturnTooMuch])
            : Ending.Return;
        Execution execution = History.Started(process, task, temper, ending);
        process.Executions.Add(execution);
        return execution;
    }

    /// <summary>A plan's step that happens to processes or the disk.</summary>
    private void Suffer(PlanStep step)
    {
        switch (step.Kind)
        {
            case StepKind.Crash:
                if (FindProcess() is { } victim) Kill(victim);
                break;
            case StepKind.StartSecond:
                StartProcess();
                break;
            case StepKind.Stop:
                if (FindProcess() is { } stopping) _ = StopAsync(stopping);
                break;
            case StepKind.CommitFault:
                Faults.Arm(step.Fault, step.Number);
                break;
            case StepKind.ReadFault:
                Faults.ArmReads(step.Number);
                break;
            case StepKind.Jump:
                Clock.Jump(TimeSpan.FromSeconds(step.Number));
                break;
            default:
                break;
        }
    }

    private void Step()
    {
        if (++Steps > MaxSteps || (IsHealing && Clock.Elapsed - _healedAt > MaxHealing))
        {
            History.Violate("I7",
                $"not everything has ended {Steps} steps after the beginning: {_population.Describe()}");
            return;
        }
        for (int i = 0; i < _processes.Count; i++)
        {
            SimProcess process = _processes[i];
            if (process.Context.HasEscaped)
                History.Violate("simulation", $"code of process {process.Number} ran on another thread");
            if (!process.IsDead && !process.IsUp) Kill(process);
            if (process.IsDead) _processes.RemoveAt(i--);
            else process.TakeDue();
        }
        if (_nextStep == _plan.Steps.Count && _healAt == int.MaxValue) _healAt = Steps + Random.Next(300);
        if (Steps >= _healAt && !IsHealing) Heal();
        Choose();
    }

    private void Choose()
    {
        _choices.Clear();
        if (_clients.Count > 0) Offer(Happening.Client, null);
        bool isUp = false;
        foreach (SimProcess process in _processes)
        {
            isUp |= process.IsUp;
            if (process.Context.Count > 0) Offer(Happening.Continuation, process);
            if (process.HasTurn) Offer(Happening.Turn, process);
            if (process.HasLazy) Offer(Happening.Flush, process);
            if (process.HasCommit) Offer(Happening.Commit, process);
            if (FindEnding(process) is not null) Offer(Happening.Handler, process);
        }
        if (!isUp) Offer(Happening.Start, null);
        if (_nextStep < _plan.Steps.Count && Steps >= _nextStepAt) Offer(Happening.Plan, null);
        bool isIdle = _choices.Count == 0;
        if (isIdle && _nextStep < _plan.Steps.Count && Random.Chance(50)) Offer(Happening.Plan, null);
        else if (isIdle && !IsHealing && _nextStep == _plan.Steps.Count && Random.Chance(20)) Heal();
        else if (isIdle || _weights[(int)Happening.Time] > 0) Offer(Happening.Time, null);
        if (_choices.Count == 0) return;

        int total = 0;
        foreach ((_, _, int weight) in _choices) total += weight;
        int at = Random.Next(total), chosen = 0;
        while (at >= _choices[chosen].Weight) at -= _choices[chosen++].Weight;
        Do(_choices[chosen].What, _choices[chosen].Process);
    }

    private void Offer(Happening what, SimProcess? process) =>
        _choices.Add((what, process, Math.Max(1, _weights[(int)what])));

    private void Do(Happening what, SimProcess? process)
    {
        switch (what)
        {
            case Happening.Client:
                _clients.RunOne(Random);
                break;
            case Happening.Continuation:
                process!.Context.RunOne(Random);
                break;
            case Happening.Turn:
                process!.TakeTurn();
                break;
            case Happening.Flush:
                process!.FlushLazy();
                break;
            case Happening.Commit:
                process!.StepCommit();
                break;
            case Happening.Handler:
                process!.Context.Run(_ => FindEnding(process)!.Release(Random), null);
                break;
            case Happening.Time:
                PassTime();
                break;
            case Happening.Plan:
                Take(_plan.Steps[_nextStep++]);
                break;
            case Happening.Start:
                StartProcess();
                break;
            default:
                break;
        }
    }

    private void Take(PlanStep step)
    {
        Trace($"plan: {step}");
        if (_nextStep < _plan.Steps.Count) _nextStepAt = Steps + _plan.Steps[_nextStep].Gap;
        if (step.IsFault) _clients.Run(_ => Suffer(step), null);
        else _clients.Run(_ => _population.Take(step), null);
    }

    private Execution? FindEnding(SimProcess process)
    {
        int count = process.Executions.Count;
        for (int i = 0, first = Steps; i < count; i++)
        {
            Execution execution = process.Executions[(first + i) % count];
            if (execution.CanEnd(IsHealing)) return execution;
        }
        return null;
    }

    // While anything else can happen, time goes slowly.
    private void PassTime()
    {
        if (_choices.Count > 1)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(Random.Next(Random.Pick([2, 50, 1000]))).Ticks);
            return;
        }
        long next = Clock.NextTimer;
        foreach (SimProcess process in _processes)
        {
            long due = process.NextDue;
            if (due > Clock.Elapsed) next = Math.Min(next, due);
        }
        if (next < long.MaxValue)
        {
            long late = Random.Chance(70) ? 0 : TimeSpan.FromMilliseconds(Random.Next(500)).Ticks;
            Clock.Advance(next - Clock.Elapsed + late);
        }
        else if (IsHealing)
        {
            History.Violate("I7", $"nothing happens any more: {_population.Describe()}");
        }
    }

    private void StartProcess()
    {
        foreach (SimProcess other in _processes) WasSplit |= other.IsUp;
        HandlerRegistry handlers = IsHealing || Random.Chance(85) ? _handlers : _fewHandlers;
        _processes.Add(new SimProcess(this, ++_started, handlers));
        Trace($"process {_started} starts");
    }

    private void Kill(SimProcess process)
    {
        Trace($"process {process.Number} is killed");
        History.Crashes++;
        process.Kill();
    }

    private async Task StopAsync(SimProcess process)
    {
        try
        {
            await process.CallAsync(
                async (engine, hangUp) =>
                {
                    await engine.StopAsync(hangUp);
                    return true;
                },
                null);
            Trace($"process {process.Number} has stopped");
        }
        catch (Exception e) when (e is ConnectionLostException or Stores.StoreException)
        {
            // It was killed meanwhile.
        }
    }

    // Where jobs moved between processes that ran at once, which a store's owner does not allow, only a new start
    // finds them all.
    private void Heal()
    {
        IsHealing = true;
        _healedAt = Clock.Elapsed;
        Faults.Stop();
        Clock.CatchUp();
        Trace($"from here on nothing goes wrong");
        if (WasSplit || Random.Chance(50) || _processes.Exists(process => process.Handlers != _handlers))
            foreach (SimProcess process in _processes) Kill(process);
        _clients.Run(_ => _population.Finish(), null);
    }
}
