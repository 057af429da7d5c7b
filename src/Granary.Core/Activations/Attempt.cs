using Granary.Batches;
using Granary.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Activations;

/// <summary>
/// One attempt, run on the thread pool. Its worker machine is touched in its activation's turns only; the handler's
/// side leaves what came out and posts the attempt to the activation.
/// </summary>
internal sealed class Attempt : ITaskOwner, IThreadPoolWorkItem
{
    private static readonly CancellationTokenSource s_signaled = new();

    private readonly IAttemptOwner _owner;
    private readonly EngineContext _engine;
    private readonly TaskProfile _profile;
    private TaskHandler _handler = null!;
    private TaskContext _task = null!;

    // Made when the handler asks for the token, or to signal it; s_signaled if the signal came first.
    private CancellationTokenSource? _stop;

    static Attempt() => s_signaled.Cancel();

    public Attempt(
        IAttemptOwner owner, EngineContext engine, TaskProfile profile, LimitedBuffer buffer, Effect start, Instant now)
    {
        (_owner, _engine, _profile, Buffer) = (owner, engine, profile, buffer);
        (Node, Number) = (start.Node, start.Attempt);
        Machine = new WorkerMachine(profile, now);
    }

    /// <summary>A mutable struct: used in place.</summary>
    public WorkerMachine Machine;

    public int Node { get; }

    public int Number { get; }

    public LimitedBuffer Buffer { get; }

    /// <summary>What the handler threw; null if it returned.</summary>
    public Exception? Thrown { get; private set; }

    /// <summary>What the handler returned.</summary>
    public ReadOnlyMemory<byte> Value => Buffer.Written.IsEmpty ? EngineContext.Null : Buffer.Written;

    /// <summary>When it did.</summary>
    public Instant FinishedAt { get; private set; }

    /// <summary>What the handler last reported.</summary>
    public TaskProgress? Progress { get; private set; }

    CancellationToken ITaskOwner.Token
    {
        get
        {
            if (_stop is null) Interlocked.CompareExchange(ref _stop, new CancellationTokenSource(), null);
            return _stop.Token;
        }
    }

    /// <summary>Calls the handler, on another thread.</summary>
    public void Run(TaskHandler handler, int index, ReadOnlyMemory<byte> args, ReadOnlyMemory<byte> input)
    {
        _handler = handler;
        _task = new TaskContext
        {
            Job = _owner.Job,
            Node = Node,
            Index = index,
            Attempt = Number,
            Handler = _profile.Handler,
            Args = !args.IsEmpty ? args : !input.IsEmpty ? input : EngineContext.Null,
            InputJson = input,
            CancelGrace = _profile.CancelGrace,
            Logger = _engine.LoggerOf(_profile.Handler),
            Owner = this,
        };
        _engine.Threads.Run(this);
    }

    /// <summary>It cannot even be called: what it is given could not be read.</summary>
    public void Fail(Exception thrown)
    {
        Thrown = thrown;
        Post();
    }

    /// <summary>It has been asked to stop.</summary>
    public bool IsSignaled => Volatile.Read(ref _stop) is { IsCancellationRequested: true };

    /// <summary>Signals the handler. Its callbacks run elsewhere: they are user code.</summary>
    public void Signal()
    {
        if (Interlocked.CompareExchange(ref _stop, s_signaled, null) is { } stop) _ = stop.CancelAsync();
    }

    void ITaskOwner.Report(TaskProgress progress) => Progress = progress;

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            // Asked to stop, perhaps given up, before it got a thread: it is not called at all.
            if (IsSignaled) throw new OperationCanceledException();
            if (_engine.Options.Services is { } services)
            {
                await using AsyncServiceScope scope = services.CreateAsyncScope();
                await _handler.InvokeAsync(_task.With(scope.ServiceProvider), Buffer);
            }
            else
            {
                await _handler.InvokeAsync(_task, Buffer);
            }
        }
        catch (Exception e)
        {
            // Whatever user code throws is this attempt's failure and nobody else's.
            Thrown = e;
        }
        Post();
    }

    private void Post()
    {
        FinishedAt = _engine.Now;
        _owner.PostHere(this);
    }
}
