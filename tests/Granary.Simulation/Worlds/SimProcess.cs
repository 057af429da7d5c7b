using Granary.Activations;
using Granary.Embedded;
using Granary.Simulation.Checks;
using Granary.Stores;

namespace Granary.Simulation.Worlds;

/// <summary>One engine, and all the threads it thinks it has.</summary>
internal sealed class SimProcess : IEngineThreads
{
    private readonly World _world;
    private readonly List<Activation> _ready = [];
    private readonly List<(Activation Activation, Instant At)> _due = [];
    private readonly List<Activation> _lazy = [];
    private readonly List<Call> _calls = [];
    private SimCommit _commit = null!;
    private bool _isStopped;
    private bool _isInterleaving;

    public SimProcess(World world, int number, HandlerRegistry handlers)
    {
        (_world, Number) = (world, number);
        Context = new SimContext(world.Thread, this);
        Store = new ProcessStore(world, Context);
        Options = new EmbeddedOptions
        {
            Time = world.Clock,
            Random = new SimFrameworkRandom(world.Random),
            MaxResultBytes = 200,
            MissingHandlerTimeout = TimeSpan.FromSeconds(20),
            DrainTimeout = TimeSpan.FromSeconds(2),
        };
        Handlers = handlers;
        Context.Run(_ => Starting = StartAsync(), null);
    }

    public int Number { get; }
    public SimContext Context { get; }
    public ProcessStore Store { get; }
    public EmbeddedOptions Options { get; }
    public HandlerRegistry Handlers { get; }
    public Task<EmbeddedEngine> Starting { get; private set; } = null!;
    public bool IsDead => Context.IsDead;

    /// <summary>It serves, or will when it has started.</summary>
    public bool IsUp =>
        !IsDead && !Starting.IsFaulted && !(Starting.IsCompletedSuccessfully && Starting.Result.Completion.IsCompleted);

    /// <summary>Handlers that have been called and have not come back.</summary>
    public List<Execution> Executions { get; } = [];

    public bool HasTurn => _ready.Count > 0;
    public bool HasLazy => _lazy.Count > 0;
    public bool HasCommit => _commit is { IsReady: true };

    /// <summary>When something here becomes due, in the clock's elapsed time.</summary>
    public long NextDue
    {
        get
        {
            long next = _commit?.RetriesAt ?? long.MaxValue;
            foreach ((_, Instant at) in _due)
                next = Math.Min(next, _world.Clock.Elapsed + Math.Max(0, (at - _world.Clock.Now).Ticks));
            return next;
        }
    }

    StoreFault? IEngineThreads.Blocked => _commit.Blocked;

    TimeProvider IEngineThreads.Clock => _world.Clock;

    public void Schedule(Activation activation)
    {
        if (!IsDead && !_isStopped) _ready.Add(activation);
    }

    // Now or later: whoever posts cannot tell whether another thread is at it.
    public void ScheduleHere(Activation activation)
    {
        if (_world.Random.Chance(50)) Schedule(activation);
        else activation.TakeTurns();
    }

    public void ScheduleAt(Activation activation, Instant at)
    {
        if (_world.Planted == PlantedBug.LostWakeUp && _world.Random.Chance(30)) return;
        _due.Add((activation, at));
    }

    public void FlushLazily(Activation activation) => _lazy.Add(activation);

    public void Run(IThreadPoolWorkItem attempt)
    {
        if (_world.Planted == PlantedBug.TaskNotRestarted && Number > 1 && _world.Random.Chance(30)) return;
        Context.Post(static attempt => ((IThreadPoolWorkItem)attempt!).Execute(), attempt);
    }

    public void Commit(IPendingWrite source) => _commit.Submit(source);

    public Task<WriteResult> CommitAsync(JobWrite write, CancellationToken cancellation) =>
        _commit.SubmitAsync(write, cancellation);

    public async ValueTask DisposeAsync()
    {
        _isStopped = true;
        _ready.Clear();
        FlushLazy();
        await _commit.StopAsync();
    }

    /// <summary>Moves what is due to where it gets its turn.</summary>
    public void TakeDue()
    {
        Instant now = _world.Clock.Now;
        for (int i = 0; i < _due.Count; i++)
        {
            (Activation activation, Instant at) = _due[i];
            if (at > now) continue;
            _due.RemoveAt(i--);
            if (_isStopped) continue;
            activation.BecomeDue();
        }
    }

    public void TakeTurn()
    {
        int at = _world.Random.Next(_ready.Count);
        Activation activation = _ready[at];
        _ready.RemoveAt(at);
        Context.Run(static activation => ((Activation)activation!).TakeTurns(), activation);
        _world.Pokes?.AfterTurn(activation);
    }

    public void FlushLazy() => Context.Run(
        static lazy =>
        {
            foreach (Activation activation in (List<Activation>)lazy!) activation.Flush();
            ((List<Activation>)lazy).Clear();
        },
        _lazy);

    public void StepCommit() => Context.Run(static commit => ((SimCommit)commit!).Step(), _commit);

    /// <summary>What other threads do between two moments of this one.</summary>
    public void Interleave()
    {
        if (_isInterleaving || IsDead) return;
        _isInterleaving = true;
        for (int count = _world.Random.Next(4) - 1; count > 0; count--)
        {
            if (HasTurn && _world.Random.Chance(60)) TakeTurn();
            else if (Context.Count > 0) Context.RunOne(_world.Random);
        }
        _isInterleaving = false;
    }

    /// <summary>Calls the engine as a client elsewhere does. If the process dies, so does the call.</summary>
    public Task<T> CallAsync<T>(Func<EmbeddedEngine, CancellationToken, Task<T>> request, TimeSpan? patience)
    {
        var call = new Call<T>(this, request, patience);
        if (IsDead) return Task.FromException<T>(new ConnectionLostException());
        _calls.Add(call);
        Context.Post(static call => ((Call)call!).Start(), call);
        return call.Task;
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public void Kill()
    {
        if (IsDead) return;
        Context.Kill();
        _world.Clock.Forget(Context);
        _ready.Clear();
        _lazy.Clear();
        _due.Clear();
        _isStopped = true;
        foreach (Execution execution in Executions) execution.Die();
        Executions.Clear();
        foreach (Call call in _calls.ToArray()) call.Lose();
        _calls.Clear();
    }

    private Task<EmbeddedEngine> StartAsync() => EmbeddedEngine.StartAsync(
        Store, Handlers, Options,
        onFault =>
        {
            _commit = new SimCommit(_world, this, Store, onFault);
            return this;
        },
        CancellationToken.None);

    private abstract class Call
    {
        public abstract void Start();

        public abstract void Lose();
    }

    private sealed class Call<T>(
        SimProcess process, Func<EmbeddedEngine, CancellationToken, Task<T>> request, TimeSpan? patience) : Call
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _answer.Task;

        public override void Start() => _ = RunAsync();

        public override void Lose() => _answer.TrySetException(new ConnectionLostException());

        private async Task RunAsync()
        {
            try
            {
                EmbeddedEngine engine = await process.Starting;
                using CancellationTokenSource? hangUp = patience is { } time ? new(time, process._world.Clock) : null;
                T answer = await request(engine, hangUp?.Token ?? CancellationToken.None);
                _answer.TrySetResult(answer);
            }
            catch (Exception e)
            {
                _answer.TrySetException(e);
            }
            process._calls.Remove(this);
        }
    }
}

/// <summary>The process went away before it answered: nobody knows what it has done.</summary>
internal sealed class ConnectionLostException() : Exception("The process is gone.");
