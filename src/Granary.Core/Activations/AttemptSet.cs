using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Activations;

/// <summary>The running attempts of one activation, on this process's thread pool.</summary>
internal sealed class AttemptSet(Activation owner, EngineContext engine) : IAttemptSet
{
    private readonly BatchMachine _machine = owner.Machine;
    private readonly Dictionary<int, Attempt> _running = [];
    private readonly PriorityQueue<Attempt, Instant> _due = new();
    private readonly Stack<ResultBuffer> _buffers = new();
    private AttemptTerms? _terms;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public Instant NextDue => _due.TryPeek(out _, out Instant at) ? at : Instant.Never;

    public bool MayStart => true;

    public TaskProgress? ProgressOf(int node) =>
        _running.TryGetValue(node, out Attempt? attempt) ? attempt.Progress : null;

    // Whatever ran died with the process before this one: the machine starts it again.
    public void Recover(Instant now)
    {
        Instruments.Lost(_machine.State.Running.Count);
        _machine.Recover(now);
    }

    public void Start(Effect start, Instant now)
    {
        BatchState state = _machine.State;
        // Stopped before it began: by a cancel that came while its start became durable.
        if (!state.Running.TryGetValue(start.Node, out RunningAttempt running) || running.Number != start.Attempt)
            return;
        AttemptTerms terms = TermsOf(state.Tree.ProfileOf(start.Node));
        ResultBuffer result = _buffers.TryPop(out ResultBuffer? used)
            ? used
            : new ResultBuffer(engine.Options.MaxResultBytes);
        var attempt = new Attempt(terms, result, start, now);
        bool canceling = state.Nodes[start.Node].State == JobState.Canceling;
        if (canceling || engine.IsHeld)
        {
            _machine.IsHeld = engine.IsHeld;
            attempt.Machine.Stop(canceling ? StopCause.Cancel : StopCause.Release, now);
            End(attempt, attempt.Machine.Finish(default, new OperationCanceledException(), now), now);
        }
        else if (terms.Handler is not null)
        {
            _running[start.Node] = attempt;
            Volatile.Write(ref _count, _running.Count);
            Watch(attempt);
            Instruments.Started(running.ReadyAt, now, terms.Profile.Handler);
            if (owner.Telemetry.TraceOf(start.Node) is { } trace)
                result.Span = Spans.Process(owner.Job, start.Node, start.Attempt, terms.Profile.Handler, trace);
            Prepare(attempt, state.Tree.InputOf(start.Node));
        }
        else
        {
            End(attempt, attempt.Machine.NoHandler(now), now);
        }
    }

    public bool TryHandle(object message, Instant now)
    {
        if (message is not Attempt attempt) return false;
        Finish(attempt, now);
        return true;
    }

    private void Finish(Attempt attempt, Instant now)
    {
        ResultBuffer result = attempt.Result;
        End(attempt, attempt.Machine.Finish(result.Value, result.Thrown, result.FinishedAt), now);
        // What it holds has been recorded.
        if (result.TryReset()) _buffers.Push(result);
    }

    public void Tick(Instant now)
    {
        while (_due.TryPeek(out Attempt? attempt, out Instant at) && at <= now)
        {
            _due.Dequeue();
            if (attempt.Machine.Tick(now, out AttemptResult? result)) attempt.Signal();
            End(attempt, result, now);
            Watch(attempt);
        }
    }

    public void Stop(int node, StopCause cause, Instant now)
    {
        if (_running.TryGetValue(node, out Attempt? attempt)) Stop(attempt, cause, now);
    }

    public void StopAll(StopCause cause, Instant now)
    {
        foreach (Attempt attempt in _running.Values) Stop(attempt, cause, now);
    }

    // Signals all and forgets them.
    public void Abandon()
    {
        foreach (Attempt attempt in _running.Values)
        {
            attempt.Signal();
            attempt.EndSpan(AttemptResult.Lost);
        }
        _running.Clear();
        Volatile.Write(ref _count, 0);
    }

    private void Stop(Attempt attempt, StopCause cause, Instant now)
    {
        if (attempt.Machine.Stop(cause, now)) attempt.Signal();
        Watch(attempt);
    }

    private void End(Attempt attempt, AttemptResult? result, Instant now)
    {
        if (result is not { } ended) return;
        bool hasRun = _running.Remove(attempt.Node);
        if (hasRun) Volatile.Write(ref _count, _running.Count);
        TraceContext span = attempt.EndSpan(ended);
        _machine.AttemptEnded(attempt.Node, attempt.Attempt, ended with { Place = engine.Place }, now);
        if (hasRun) owner.Telemetry.AttemptEnded(attempt.Node, ended, attempt.Handler, span);
    }

    private void Watch(Attempt attempt)
    {
        if (attempt.Machine.Due < Instant.Never) _due.Enqueue(attempt, attempt.Machine.Due);
    }

    // Neighbors mostly have the same.
    private AttemptTerms TermsOf(TaskProfile profile) =>
        _terms is { } last && ReferenceEquals(last.Profile, profile)
            ? last
            : _terms = AttemptTerms.Of(owner, engine, profile);

    // A store that answers at once, as SQLite and memory do, lets the handler be called within the turn.
    private void Prepare(Attempt attempt, ValueRef source)
    {
        int index = _machine.State.Nodes[attempt.Node].Index;
        ValueTask<ReadOnlyMemory<byte>> reading = owner.Args.ReadAsync(attempt.Node);
        if (source.Kind == ValueKind.None && reading.IsCompletedSuccessfully)
            attempt.Run(index, reading.Result, default);
        else _ = PrepareAsync(attempt, index, reading, source);
    }

    // A store that is away for a moment is no fault of the task.
    private async Task PrepareAsync(
        Attempt attempt, int index, ValueTask<ReadOnlyMemory<byte>> reading, ValueRef source)
    {
        while (!attempt.IsSignaled)
        {
            try
            {
                ReadOnlyMemory<byte> given = await reading;
                ReadOnlyMemory<byte> input = await owner.Reader.ReadValueAsync(source, CancellationToken.None);
                attempt.Run(index, given, input);
                return;
            }
            catch (StoreException e) when (!e.IsTransient)
            {
                attempt.Fail(e);
                return;
            }
            catch (StoreException)
            {
                await Patience.PauseAsync(engine.Threads.Clock);
                reading = owner.Args.ReadAsync(attempt.Node);
            }
        }
        attempt.Fail(new OperationCanceledException());
    }
}
