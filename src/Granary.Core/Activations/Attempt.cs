using Granary.Batches;
using Granary.Telemetry;
using Granary.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Activations;

/// <summary>
/// One attempt, run on the thread pool, and what its handler sees of it: one object, since each task takes one. Its
/// worker machine is touched in its activation's turns only; the handler's side leaves what came out and posts the
/// attempt to the activation.
/// </summary>
internal sealed class Attempt : TaskContext, IThreadPoolWorkItem
{
    private static readonly CancellationTokenSource s_signaled = new();

    private readonly AttemptTerms _terms;
    private ReadOnlyMemory<byte> _args;
    private ReadOnlyMemory<byte> _input;
    private int _index;
    private IServiceProvider? _services;

    // Made when the handler asks for the token, or to signal it; s_signaled if the signal came first.
    private CancellationTokenSource? _stop;

    static Attempt() => s_signaled.Cancel();

    public Attempt(AttemptTerms terms, ResultBuffer result, Effect start, Instant now)
        : base(start.Node, start.Attempt)
    {
        (_terms, Result) = (terms, result);
        Machine = new WorkerMachine(terms.Profile, now);
    }

    /// <summary>A mutable struct: used in place.</summary>
    public WorkerMachine Machine;

    /// <summary>What the handler leaves behind.</summary>
    public ResultBuffer Result { get; }

    /// <summary>What the handler last reported.</summary>
    public TaskProgress? Progress { get; private set; }

    public override JobId Job => _terms.Owner.Job;

    public override int Index => _index;

    public override string Handler => _terms.Profile.Handler;

    public override ReadOnlyMemory<byte> Args =>
        !_args.IsEmpty ? _args : !_input.IsEmpty ? _input : EngineContext.Null;

    public override ReadOnlyMemory<byte> InputJson => _input;

    public override TimeSpan CancelGrace => _terms.Profile.CancelGrace;

    public override ILogger Logger => _terms.Logger;

    public override IServiceProvider? Services => _services;

    public override CancellationToken CancellationToken
    {
        get
        {
            if (_stop is null) Interlocked.CompareExchange(ref _stop, new CancellationTokenSource(), null);
            return _stop.Token;
        }
    }

    /// <summary>Calls the handler, on another thread.</summary>
    public void Run(int index, ReadOnlyMemory<byte> args, ReadOnlyMemory<byte> input)
    {
        (_index, _args, _input) = (index, args, input);
        _terms.Engine.Threads.Run(this);
    }

    /// <summary>It cannot even be called: what it is given could not be read.</summary>
    public void Fail(Exception thrown)
    {
        Result.Thrown = thrown;
        Post();
    }

    /// <summary>It has been asked to stop.</summary>
    public bool IsSignaled => Volatile.Read(ref _stop) is { IsCancellationRequested: true };

    /// <summary>Signals the handler. Its callbacks run elsewhere: they are user code.</summary>
    public void Signal()
    {
        if (Interlocked.CompareExchange(ref _stop, s_signaled, null) is { } stop) _ = stop.CancelAsync();
    }

    internal override void Report(TaskProgress progress) => Progress = progress;

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        if (Result.Span is { } span) Spans.Begin(span, Args, _terms.Engine.Options.Telemetry);
        try
        {
            // Asked to stop, perhaps given up, before it got a thread: it is not called at all.
            if (IsSignaled) throw new OperationCanceledException();
            if (_terms.Engine.Options.Services is { } services)
            {
                await using AsyncServiceScope scope = services.CreateAsyncScope();
                _services = scope.ServiceProvider;
                await _terms.Handler!.InvokeAsync(this, Result);
            }
            else
            {
                await _terms.Handler!.InvokeAsync(this, Result);
            }
        }
        catch (Exception e)
        {
            // Whatever user code throws is this attempt's failure and nobody else's.
            Result.Thrown = e;
        }
        Post();
    }

    /// <summary>In a turn: the attempt has ended, whether or not its handler has come back.</summary>
    /// <returns>Its place in a trace.</returns>
    public TraceContext EndSpan(in AttemptResult how)
    {
        if (Result.Span is not { } span) return default;
        Result.Span = null;
        Spans.End(span, how, _terms.Engine.Options.Telemetry);
        return TraceContext.Of(span);
    }

    private void Post()
    {
        Result.FinishedAt = _terms.Engine.Now;
        Result.Span?.SetEndTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        _terms.Owner.PostHere(this);
    }
}
