using Granary.Activations;
using Granary.Batches;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Grains;

/// <summary>One attempt that runs on this silo: its handler, its worker machine and its times.</summary>
internal sealed class RunningTask : IAttemptOwner
{
    private readonly EngineContext _engine;
    private readonly TaskStart _start;
    private readonly AttemptTerms _terms;
    private readonly Attempt _attempt;
    private readonly Action<RunningTask, AttemptResult, TraceContext> _onEnded;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The machine and the timer are touched under it.
    private readonly Lock _gate = new();
    private ITimer? _timer;

    public RunningTask(
        EngineContext engine, TaskStart start, IWorkerGrain worker, string workerKey,
        Action<RunningTask, AttemptResult, TraceContext> onEnded)
    {
        (_engine, _start, Worker, WorkerKey, _onEnded) = (engine, start, worker, workerKey, onEnded);
        var effect = new Effect(EffectKind.Start, Name.Node, Name.Number, AfterDurable: false);
        _terms = AttemptTerms.Of(this, engine, Profile(start));
        var result = new ResultBuffer(engine.Options.MaxResultBytes);
        _attempt = new Attempt(_terms, result, effect, engine.Now);
        if (start.Trace is { } trace)
            result.Span = Spans.Process(Job, Name.Node, Name.Number, start.Handler, trace.ToTrace());
    }

    public AttemptName Name => _start.Attempt;

    public IWorkerGrain Worker { get; }

    public string WorkerKey { get; }

    public JobId Job => new(Name.Job.Id);

    /// <summary>When it began, by the engine's own clock.</summary>
    public required long StartedAt { get; init; }

    public bool IsEnded => _ended.Task.IsCompleted;

    /// <summary>Completes when it has ended: its handler came back, or was given up.</summary>
    public Task Ended => _ended.Task;

    public TaskProgress? Progress => _attempt.Progress;

    public void Run()
    {
        if (_terms.Handler is null)
        {
            AttemptResult missing;
            lock (_gate) missing = _attempt.Machine.NoHandler(_engine.Now);
            End(missing);
            return;
        }
        lock (_gate) Watch();
        _attempt.Run(_start.Index, _start.Args, _start.Input);
    }

    public void Stop(StopCause cause)
    {
        bool signal;
        lock (_gate)
        {
            signal = _attempt.Machine.Stop(cause, _engine.Now);
            Watch();
        }
        if (signal) _attempt.Signal();
    }

    void IAttemptOwner.PostHere(object message)
    {
        ResultBuffer left = _attempt.Result;
        AttemptResult? result;
        lock (_gate) result = _attempt.Machine.Finish(left.Value, left.Thrown, left.FinishedAt);
        if (result is { } ended) End(ended);
    }

    private void Tick()
    {
        bool signal;
        AttemptResult? result;
        lock (_gate)
        {
            signal = _attempt.Machine.Tick(_engine.Now, out result);
            Watch();
        }
        if (signal) _attempt.Signal();
        if (result is { } ended) End(ended);
    }

    private void End(in AttemptResult result)
    {
        lock (_gate) _timer?.Dispose();
        _onEnded(this, result with { Place = _engine.Place }, _attempt.EndSpan(result));
        _ended.TrySetResult();
    }

    // Most attempts have no time limit and are never stopped: they have no timer.
    private void Watch()
    {
        if (_attempt.Machine.Due == Instant.Never) return;
        TimeSpan wait = _attempt.Machine.Due - _engine.Now;
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
        // A timer counts up to 49 days; a look in between does no harm.
        if (wait > TimeSpan.FromDays(1)) wait = TimeSpan.FromDays(1);
        _timer ??= _engine.Options.Time.CreateTimer(
            static task => ((RunningTask)task!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    // Retries are the job's affair: here it is one attempt.
    private static TaskProfile Profile(TaskStart start) => new()
    {
        Handler = start.Handler,
        Retries = 0,
        Backoff = TimeSpan.Zero,
        MaxBackoff = TimeSpan.Zero,
        Timeout = start.Timeout,
        Deadline = null,
        CancelGrace = start.CancelGrace,
        MaxInterruptions = 0,
    };
}
