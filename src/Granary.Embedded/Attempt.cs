using Granary.Batches;
using Granary.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Embedded;

/// <summary>
/// One attempt, run on the thread pool. Its worker machine is touched in its activation's turns only; the handler's side
/// leaves what came out and posts the attempt to the activation.
/// </summary>
internal sealed class Attempt : IThreadPoolWorkItem
{
    private readonly Activation _owner;
    private readonly EngineContext _engine;
    private readonly TaskProfile _profile;
    private readonly CancellationTokenSource _stop = new();
    private readonly LimitedBuffer _buffer;
    private TaskHandler _handler = null!;
    private TaskContext _task = null!;

    public Attempt(Activation owner, EngineContext engine, TaskProfile profile, Effect start, Instant now)
    {
        (_owner, _engine, _profile) = (owner, engine, profile);
        (Node, Number) = (start.Node, start.Attempt);
        Machine = new WorkerMachine(profile, engine.Place, now);
        _buffer = engine.RentBuffer();
    }

    /// <summary>A mutable struct: used in place.</summary>
    public WorkerMachine Machine;

    public int Node { get; }

    public int Number { get; }

    /// <summary>What the handler threw; null if it returned.</summary>
    public Exception? Thrown { get; private set; }

    /// <summary>What the handler returned.</summary>
    public ReadOnlyMemory<byte> Value => _buffer.Written.IsEmpty ? EngineContext.Null : _buffer.Written;

    /// <summary>When it did.</summary>
    public Instant FinishedAt { get; private set; }

    public TaskProgress? Progress { get; private set; }

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
            CancellationToken = _stop.Token,
            Logger = _engine.LoggerOf(_profile.Handler),
            ProgressSink = static (task, progress) => ((Attempt)task.Owner!).Progress = progress,
            Owner = this,
        };
        _engine.Threads.Run(this);
    }

    /// <summary>It cannot even be called: what its step was given could not be read.</summary>
    public void Fail(Exception thrown)
    {
        Thrown = thrown;
        FinishedAt = _engine.Now;
        _owner.Post(this);
    }

    /// <summary>Signals the handler. Its callbacks run elsewhere: they are user code.</summary>
    public void Signal() => _ = _stop.CancelAsync();

    /// <summary>The handler has come back and its value is recorded: what it used can be used again.</summary>
    public void Recycle() => _engine.ReturnBuffer(_buffer);

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            if (_engine.Options.Services is { } services)
            {
                await using AsyncServiceScope scope = services.CreateAsyncScope();
                await _handler.InvokeAsync(_task.With(scope.ServiceProvider), _buffer);
            }
            else
            {
                await _handler.InvokeAsync(_task, _buffer);
            }
        }
        catch (Exception e)
        {
            // Whatever user code throws is this attempt's failure and nobody else's.
            Thrown = e;
        }
        FinishedAt = _engine.Now;
        _owner.Post(this);
    }
}
