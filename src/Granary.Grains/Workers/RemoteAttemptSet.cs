using Granary.Activations;
using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Grains;

/// <summary>
/// The running attempts of one job, on workers anywhere in the cluster. Each is leased: while its worker is heard of
/// it goes on, whoever holds the job; when its silo is gone, or nothing was heard for too long, it is lost and the
/// task starts again.
/// </summary>
internal sealed class RemoteAttemptSet(Activation owner, SiloEngine silo) : IAttemptSet
{
    /// <summary>Before another worker is asked where silos are stopping: 50 milliseconds.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>A message: look at the leases.</summary>
    public static readonly object LeaseCheck = new();

    private readonly Dictionary<int, RemoteAttempt> _running = [];
    private readonly BatchMachine _machine = owner.Machine;
    private readonly JobName _name = new(owner.Job.Value, (byte)owner.Machine.State.Header.Spec.Kind);
    private int _count;
    private bool _isLetGo;

    public int Count => Volatile.Read(ref _count);

    // Leases are looked at by the silo, in the time of the engine and not of the job.
    public Instant NextDue => Instant.Never;

    public bool MayStart => silo.HoldsInTime && !_isLetGo;

    public TaskProgress? ProgressOf(int node) =>
        _running.TryGetValue(node, out RemoteAttempt? attempt) ? attempt.Progress : null;

    // What was running may be running still: it is given the time of a lease to be heard of.
    public void Recover(Instant now)
    {
        foreach ((int node, RunningAttempt running) in _machine.State.Running)
        {
            bool canceling = _machine.State.Nodes[node].State == JobState.Canceling;
            _running[node] = new RemoteAttempt(node, running.Number)
            {
                HeardAt = silo.Clock.GetTimestamp(),
                Stopping = canceling ? StopCause.Cancel : 0,
            };
        }
        Volatile.Write(ref _count, _running.Count);
        _machine.Adopt(now);
    }

    public void Start(Effect start, Instant now)
    {
        BatchState state = _machine.State;
        // Stopped before it began: by a cancel that came while its start became durable.
        if (!state.Running.TryGetValue(start.Node, out RunningAttempt running) || running.Number != start.Attempt)
            return;
        bool canceling = state.Nodes[start.Node].State == JobState.Canceling;
        if (canceling || silo.Engine.IsHeld)
        {
            _machine.IsHeld = silo.Engine.IsHeld;
            var stopped = new AttemptResult
            {
                End = canceling ? AttemptEnd.Stopped : AttemptEnd.Released,
                Duration = TimeSpan.Zero,
                Place = "",
            };
            _machine.AttemptEnded(start.Node, start.Attempt, stopped, now);
            return;
        }
        var attempt = new RemoteAttempt(start.Node, start.Attempt)
        {
            HeardAt = silo.Clock.GetTimestamp(),
            IsStarting = true,
        };
        _running[start.Node] = attempt;
        Volatile.Write(ref _count, _running.Count);
        TaskProfile profile = state.Tree.ProfileOf(start.Node);
        Instruments.Started(running.ReadyAt, now, profile.Handler);
        attempt.Trace = owner.Telemetry.TraceOf(start.Node)?.ToWire();
        _ = SendAsync(attempt, profile, state.Nodes[start.Node].Index, state.Tree.InputOf(start.Node));
    }

    public bool TryHandle(object message, Instant now)
    {
        switch (message)
        {
            case AttemptReport report:
                End(report, now);
                return true;
            case SiloAddress dead:
                Lose(attempt => attempt.Silo is { } at && at.Equals(dead), now);
                return true;
            case ReceivedHeartbeat received:
                received.Answer(Heartbeat(received.Heartbeat));
                return true;
            case SiloJoined:
                _machine.Unpark(now);
                return true;
            default:
                if (message != LeaseCheck) return false;
                TimeSpan lease = silo.Options.Lease;
                Lose(a => !a.IsStarting && silo.Clock.GetElapsedTime(a.HeardAt) > lease, now);
                return true;
        }
    }

    /// <summary>In a turn: nothing more is decided to start here.</summary>
    /// <returns>Whether starts are still on their way to their workers.</returns>
    public bool LetGo()
    {
        _isLetGo = true;
        return _machine.State.Running.Count > _running.Count || _running.Values.Any(attempt => attempt.IsStarting);
    }

    /// <summary>In a turn: a worker has reported.</summary>
    public void End(AttemptReport report, Instant now)
    {
        if (!_running.TryGetValue(report.Node, out RemoteAttempt? attempt) || attempt.Number != report.Number) return;
        // The same attempt was started twice, by this holder and by one before that had not recorded it.
        if (attempt.Worker is { } worker && worker != report.Worker) return;
        Remove(attempt);
        AttemptResult result = report.ToResult();
        if (attempt.Pooled is { } pooled)
            silo.Workers.Return(
                pooled, HandlerOf(attempt), result.End == AttemptEnd.Succeeded ? result.Duration : null);
        End(attempt, result, report.Span.ToContext(), now);
    }

    private StopOrder[] Heartbeat(Heartbeat heartbeat)
    {
        var orders = new List<StopOrder>();
        foreach (RunningWire running in heartbeat.Running)
        {
            if (!_running.TryGetValue(running.Node, out RemoteAttempt? attempt) || attempt.Number != running.Number
                || (attempt.Worker is { } worker && worker != running.Worker))
            {
                orders.Add(new StopOrder(running.Node, running.Number, (byte)StopCause.Release));
                continue;
            }
            attempt.Worker = running.Worker;
            attempt.Silo = heartbeat.Silo;
            attempt.HeardAt = silo.Clock.GetTimestamp();
            attempt.Progress = running.Progress?.ToProgress();
            if (attempt.Stopping != 0)
                orders.Add(new StopOrder(running.Node, running.Number, (byte)attempt.Stopping));
        }
        return [.. orders];
    }

    public void Tick(Instant now) { }

    public void Stop(int node, StopCause cause, Instant now)
    {
        if (!_running.TryGetValue(node, out RemoteAttempt? attempt)) return;
        attempt.Stopping = cause;
        if (attempt.Worker is { } worker) _ = StopAsync(attempt, worker, cause);
    }

    // A silo that stops lets go of its jobs, and not of what workers elsewhere run for them.
    public void StopAll(StopCause cause, Instant now) { }

    public void Abandon()
    {
        foreach (RemoteAttempt attempt in _running.Values)
            if (attempt.Pooled is { } pooled) silo.Workers.Drop(pooled);
        _running.Clear();
        Volatile.Write(ref _count, 0);
    }

    private void Lose(Func<RemoteAttempt, bool> isLost, Instant now)
    {
        foreach (RemoteAttempt attempt in _running.Values.Where(isLost).OrderBy(a => a.Node).ToArray())
        {
            Remove(attempt);
            if (attempt.Pooled is { } pooled) silo.Workers.Drop(pooled);
            var lost = new AttemptResult { End = AttemptEnd.Lost, Duration = TimeSpan.Zero, Place = "" };
            End(attempt, lost, default, now);
        }
    }

    private void End(RemoteAttempt attempt, in AttemptResult result, TraceContext span, Instant now)
    {
        string handler = HandlerOf(attempt);
        _machine.AttemptEnded(attempt.Node, attempt.Number, result, now);
        owner.Telemetry.AttemptEnded(attempt.Node, result, handler, span);
    }

    private string HandlerOf(RemoteAttempt attempt) => _machine.State.Tree.ProfileOf(attempt.Node).Handler;

    private void Remove(RemoteAttempt attempt)
    {
        _running.Remove(attempt.Node);
        attempt.IsOver = true;
        Volatile.Write(ref _count, _running.Count);
    }

    private AttemptName NameOf(RemoteAttempt attempt) => new(_name, attempt.Node, attempt.Number);

    private async Task SendAsync(RemoteAttempt attempt, TaskProfile profile, int index, ValueRef source)
    {
        try
        {
            TaskStart start = await PrepareAsync(attempt, profile, index, source).ConfigureAwait(false);
            await SendAsync(attempt, start).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            Fail(attempt, e);
        }
    }

    // A store that is away for a moment is no fault of the task.
    private async ValueTask<TaskStart> PrepareAsync(
        RemoteAttempt attempt, TaskProfile profile, int index, ValueRef source)
    {
        while (true)
        {
            try
            {
                return new TaskStart
                {
                    Attempt = NameOf(attempt),
                    Index = index,
                    Handler = profile.Handler,
                    Args = Bytes(await owner.Args.ReadAsync(attempt.Node).ConfigureAwait(false)),
                    Input = Bytes(await owner.Reader.ReadValueAsync(source, CancellationToken.None)
                        .ConfigureAwait(false)),
                    Timeout = profile.Timeout,
                    CancelGrace = profile.CancelGrace,
                    Trace = attempt.Trace,
                };
            }
            catch (StoreException e) when (e.IsTransient && !owner.IsDead)
            {
                await Patience.PauseAsync(silo.Clock).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask SendAsync(RemoteAttempt attempt, TaskStart start)
    {
        PooledWorker? worker = null;
        long begun = silo.Clock.GetTimestamp();
        bool isUnknown = false;
        while (!owner.IsDead && !attempt.IsOver)
        {
            // It may have started where the answer got lost: the lease decides.
            if (worker is not null && silo.Clock.GetElapsedTime(begun) > silo.Options.Lease) break;
            worker ??= silo.Workers.Rent(start.Handler);
            attempt.Pooled = worker;
            attempt.Worker = worker.Key;
            attempt.Silo = worker.Silo;
            StartAnswer? answer = await TryStartAsync(worker, start).ConfigureAwait(false);
            if (answer == StartAnswer.Started) break;
            isUnknown |= answer is null;
            if (answer is StartAnswer.Busy or StartAnswer.Draining || !isUnknown)
            {
                // It is not there: what becomes of that silo is no concern of it.
                attempt.Silo = null;
                if (answer == StartAnswer.Busy) silo.Workers.Drop(worker);
                else silo.Workers.Avoid(worker);
                worker = null;
            }
            if (answer != StartAnswer.Busy) await Task.Delay(Pause, silo.Clock).ConfigureAwait(false);
        }
        if (worker is not null && (owner.IsDead || attempt.IsOver)) silo.Workers.Drop(worker);
        // Asked again, a worker may have come up on another silo than it was put on.
        if (isUnknown) attempt.Silo = null;
        attempt.HeardAt = silo.Clock.GetTimestamp();
        attempt.IsStarting = false;
        if (attempt.Stopping != 0 && worker is not null)
            await StopAsync(attempt, worker.Key, attempt.Stopping).ConfigureAwait(false);
    }

    /// <returns>Zero if the call has not come so far; null if it is unknown what became of it: the same worker is
    /// asked again, who starts it once.</returns>
    private static async ValueTask<StartAnswer?> TryStartAsync(PooledWorker worker, TaskStart start)
    {
        try
        {
            return await worker.StartAsync(start).ConfigureAwait(false);
        }
        catch (OrleansMessageRejectionException e) when (e is not SiloUnavailableException)
        {
            return default(StartAnswer);
        }
        catch (Exception)
        {
            return null;
        }
    }

    private async Task StopAsync(RemoteAttempt attempt, string worker, StopCause cause)
    {
        try
        {
            await silo.Grains.GetGrain<IWorkerGrain>(worker).StopAsync(NameOf(attempt), (byte)cause)
                .ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The next heartbeat is answered with it.
        }
    }

    private void Fail(RemoteAttempt attempt, Exception thrown) => owner.Post(new AttemptResult
    {
        End = AttemptEnd.Failed,
        Duration = TimeSpan.Zero,
        Place = "",
        Reason = Reason.None,
        Retryable = true,
        Error = TaskError.From(thrown),
    }.ToReport(NameOf(attempt), attempt.Worker ?? "", default));

    private static byte[] Bytes(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? [] : bytes.ToArray();
}

/// <summary>A message: a silo says what it runs of the job, and is told what it should stop.</summary>
internal sealed class ReceivedHeartbeat(Heartbeat heartbeat)
{
    private readonly TaskCompletionSource<StopOrder[]> _orders =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Heartbeat Heartbeat => heartbeat;

    /// <summary>Never comes from a job that dies before it is asked.</summary>
    public Task<StopOrder[]> Orders => _orders.Task;

    public void Answer(StopOrder[] orders) => _orders.TrySetResult(orders);
}

/// <summary>A message: there is a silo more, and perhaps a handler that was missing.</summary>
internal sealed record SiloJoined;

/// <summary>What a job's holder knows of one of its running attempts.</summary>
internal sealed class RemoteAttempt(int node, int number)
{
    public int Node => node;

    public int Number => number;

    /// <summary>Where it runs; null as long as that is not known.</summary>
    public string? Worker { get; set; }

    /// <summary>The worker, if it is from this silo's pool.</summary>
    public PooledWorker? Pooled { get; set; }

    /// <summary>The silo of its worker, as far as is known.</summary>
    public SiloAddress? Silo { get; set; }

    /// <summary>When it was last heard of, by the engine's clock.</summary>
    public long HeardAt { get; set; }

    /// <summary>Its start is under way.</summary>
    public bool IsStarting { get; set; }

    /// <summary>It has ended, or is lost.</summary>
    public bool IsOver { get; set; }

    /// <summary>Why it was asked to stop; 0 if it was not.</summary>
    public StopCause Stopping { get; set; }

    public TaskProgress? Progress { get; set; }

    public TraceWire? Trace { get; set; }
}
