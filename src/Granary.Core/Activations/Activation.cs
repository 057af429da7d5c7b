using System.Collections.Concurrent;
using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Activations;

/// <summary>
/// A job in memory: its machine with a mailbox. A turn takes what is in the mailbox, lets the machine decide, hands
/// the record to the group commit, and carries out the effects; answers, and effects that must not outrun the record,
/// wait until it is durable. One turn at a time, under <see cref="_gate"/>.
/// </summary>
internal sealed class Activation : IPendingWrite, IAttemptOwner
{
    /// <summary>
    /// Bytes that may be ahead of the disk before nothing new starts: 8 MiB, one group of the commit.
    /// </summary>
    private const int MaxUndurableBytes = 8 << 20;

    /// <summary>A message that says nothing but: take a turn.</summary>
    private static readonly object Kick = new();

    private readonly EngineContext _engine;
    private readonly long _epoch;
    private readonly ConcurrentQueue<object> _mailbox = new();
    private readonly Lock _gate = new();
    private readonly RecordWriter _record;
    private readonly DurableWaits _waiting = new();
    private readonly List<StoredPage> _pages = [];
    private int _scheduled;
    private int _taken;
    private int _steerings;
    private int _steeredRecord;
    private bool _lazy;
    private long _scheduledAt = Instant.Never.Micros;
    private (RecordStart Start, StoredRecord Record, int Completions, int Ordinals, int Starts, bool Ended) _inFlight;
    private CancellationTokenSource _changed = new();
    private StoreException? _fault;
    private volatile bool _dead;

    public Activation(EngineContext engine, JobReader reader, long epoch)
    {
        (_engine, Reader, _epoch) = (engine, reader, epoch);
        Job = reader.State.Header.Id;
        _record = new RecordWriter(Job, engine.Place);
        _taken = reader.Log.RecordCount;
        BeginRecord();
        Machine = new BatchMachine(reader.State, _record)
        {
            MissingHandlerTimeout = engine.Options.MissingHandlerTimeout,
            IsHeld = engine.IsHeld,
        };
        Args = new ArgsCache(engine.Store, reader.State.Tree, Job);
        Telemetry = new JobTelemetry(reader.State, engine.Live, engine.Options.Telemetry);
        Attempts = engine.NewAttempts(this);
    }

    public JobId Job { get; }

    public JobReader Reader { get; }

    public BatchMachine Machine { get; }

    public ArgsCache Args { get; }

    public IAttemptSet Attempts { get; }

    public RateMeter Rate { get; } = new();

    public JobTelemetry Telemetry { get; }

    /// <summary>Attempts whose handlers have been called and not come back, or are about to be.</summary>
    public int AttemptCount => Attempts.Count;

    /// <summary>Whether it is durable that the job has ended.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Fenced, faulted or crashed: it records nothing more.</summary>
    public bool IsDead => _dead;

    /// <summary>Called when the job has been ended durably, or this activation has died.</summary>
    public Action<Activation>? OnSettled { get; set; }

    /// <summary>
    /// Asks the machine something, or tells it, in a turn of its own. The answer is given when what it rests on is
    /// durable.
    /// </summary>
    public Task<T> AskAsync<T>(Func<Activation, Instant, T> question)
    {
        var asked = new Question<T>(question);
        PostHere(asked);
        return asked.Task;
    }

    /// <summary>Leaves a message; a turn is taken soon, on the engine's own thread.</summary>
    public void Post(object message)
    {
        _mailbox.Enqueue(message);
        if (_dead) RefuseAll();
        else if (Interlocked.Exchange(ref _scheduled, 1) == 0) _engine.Threads.Schedule(this);
    }

    /// <summary>Leaves a message, and takes the turn on this thread unless another is at it: no thread has to be
    /// woken. Not for the commit's thread.</summary>
    public void PostHere(object message)
    {
        _mailbox.Enqueue(message);
        if (_dead) RefuseAll();
        else if (Interlocked.Exchange(ref _scheduled, 1) == 0) _engine.Threads.ScheduleHere(this);
    }

    /// <summary>Fires when something more has become durable, or nothing more will. Take it before looking.</summary>
    public CancellationToken Changed
    {
        get
        {
            lock (_gate) return _changed.Token;
        }
    }

    /// <summary>The time it asked for has come.</summary>
    public void BecomeDue()
    {
        Volatile.Write(ref _scheduledAt, Instant.Never.Micros);
        Post(Kick);
    }

    /// <summary>By whoever has scheduled it, and so by one thread at a time: turns, as long as there are
    /// messages.</summary>
    public void TakeTurns()
    {
        do
        {
            TakeTurn();
            // A full fence: what is posted from here on schedules again, what was posted before is seen below.
            Interlocked.Exchange(ref _scheduled, 0);
        }
        while (!_mailbox.IsEmpty && Interlocked.Exchange(ref _scheduled, 1) == 0);
    }

    private void TakeTurn()
    {
        bool urgent;
        lock (_gate)
        {
            if (_dead)
            {
                RefuseAll();
                return;
            }
            Instant now = _engine.Now;
            Machine.IsHeld = _engine.IsHeld || !Attempts.MayStart || _record.Length > MaxUndurableBytes;
            while (_mailbox.TryDequeue(out object? message)) Handle(message, now);
            Attempts.Tick(now);
            Machine.Tick(now);
            RunEffects(now);
            ScheduleNext();
            if (_steerings != Machine.Steerings) (_steerings, _steeredRecord) = (Machine.Steerings, _taken);
            urgent = _record.Count > 0 && IsUrgent;
            if (!urgent && _record.Count > 0 && !_lazy)
            {
                _lazy = true;
                _engine.Threads.FlushLazily(this);
            }
        }
        if (urgent) _engine.Threads.Commit(this);
    }

    // What is ahead of the disk holds up further starts.
    private bool IsThrottled => Machine.StartAllowance < BatchMachine.StartLimit / 2 || Machine.IsHeld;

    // What nobody waits for is held back: in small groups the syncs would cost more than the tasks.
    private bool IsUrgent => _waiting.Count > 0 || _pages.Count > 0 || Machine.State.IsEnded || IsThrottled;

    /// <summary>Nobody has been waiting for what it has recorded, and it has been long enough in memory.</summary>
    public void Flush()
    {
        lock (_gate) _lazy = false;
        _engine.Threads.Commit(this);
    }

    /// <summary>Lets it end without a trace, as a killed process would.</summary>
    public void Die(StoreException? fault)
    {
        lock (_gate)
        {
            if (_dead) return;
            _dead = true;
            _fault = fault;
            Attempts.Abandon();
            _waiting.Release(int.MaxValue);
            _changed.Cancel();
        }
        RefuseAll();
        Telemetry.End();
        OnSettled?.Invoke(this);
    }

    private void Handle(object message, Instant now)
    {
        switch (message)
        {
            case Question question:
                question.Ask(this, now);
                WaitDurable(question.Answer);
                break;
            case List<Effect> durable:
                foreach (Effect effect in durable) Attempts.Start(effect, now);
                break;
            case StopCause cause:
                Attempts.StopAll(cause, now);
                break;
            default:
                Attempts.TryHandle(message, now);
                break;
        }
    }

    private void RunEffects(Instant now)
    {
        List<Effect>? later = null;
        // Carrying one out may add more.
        for (int i = 0; i < Machine.Effects.Count; i++)
        {
            Effect effect = Machine.Effects[i];
            if (effect.Kind == EffectKind.Stop) Attempts.Stop(effect.Node, StopCause.Cancel, now);
            else if (effect.AfterDurable) (later ??= []).Add(effect);
            else Attempts.Start(effect, now);
        }
        Machine.Effects.Clear();
        if (later is not null) PostWhenDurable(later);
    }

    private void PostWhenDurable(List<Effect> effects) => WaitDurable(() => Post(effects));

    private void ScheduleNext()
    {
        Instant next = Machine.State.NextDue;
        if (Attempts.NextDue < next) next = Attempts.NextDue;
        if (next == Instant.Never || next.Micros == Volatile.Read(ref _scheduledAt)) return;
        Volatile.Write(ref _scheduledAt, next.Micros);
        _engine.Threads.ScheduleAt(this, next);
    }

    /// <summary>In a turn: runs the action once everything decided so far is durable.</summary>
    private void WaitDurable(Action release)
    {
        int records = _taken + (_record.Count > 0 ? 1 : 0);
        if (records <= Reader.Log.RecordCount) release();
        else _waiting.Add(records, release);
    }

    private void BeginRecord() => _record.Begin(
        new RecordStart(_taken, Reader.State.OrdinalCount + 1, Reader.State.CompletionCount + 1));

    /// <summary>In a turn: pages that belong to the record being written.</summary>
    public void AddPages(IEnumerable<StoredPage> pages) => _pages.AddRange(pages);

    /// <summary>
    /// The write that makes this new job durable, with everything it begins with; afterwards <see cref="Committed"/>.
    /// </summary>
    public JobWrite Create(IReadOnlyList<StoredPage> pages, ReadOnlyMemory<byte>? header)
    {
        lock (_gate)
        {
            Machine.Submit(_engine.Now);
            return TakeWrite(pages, header, Reader.State.Header.Spec.Key);
        }
    }

    /// <summary>A job that was loaded: what it was doing goes on.</summary>
    public Task RecoverAsync() => AskAsync(static (a, now) =>
    {
        if (!a.Machine.State.IsEnded) a.Telemetry.Recover(() => a.Attempts.Recover(now));
        else a.IsFinished = true;
        return a.HasWork = a.Works();
    });

    /// <summary>The new job is durable: what it begins with may start.</summary>
    public void Committed()
    {
        MarkDurable();
        PostHere(Kick);
    }

    JobWrite? IPendingWrite.Take()
    {
        lock (_gate)
        {
            if (_dead || _record.Count == 0) return null;
            StoredPage[] pages = [.. _pages];
            _pages.Clear();
            return TakeWrite(pages, null, null);
        }
    }

    private JobWrite TakeWrite(IReadOnlyList<StoredPage> pages, ReadOnlyMemory<byte>? header, string? key)
    {
        BatchState state = Reader.State;
        StoredRecord record = _record.Take();
        _inFlight = (_record.Start, record, state.CompletionCount, state.OrdinalCount,
            BatchMachine.StartLimit - Machine.StartAllowance, state.IsEnded);
        _taken++;
        Telemetry.Taken();
        BeginRecord();
        JobSummary summary = Reader.Summarize(_taken);
        HasWork = Works();
        return new JobWrite
        {
            Job = Job,
            Epoch = _epoch,
            Header = header,
            Key = key,
            Phase = state.IsEnded ? JobPhase.Finished : JobPhase.Live,
            State = summary.State,
            Summary = JobCodec.Write(Job, summary),
            DueAt = _engine.Hold is { } hold ? NeededAt(hold)?.ToTime() : null,
            ExpiresAt = state.FinishedAt is { } end ? (end + state.Header.Spec.Retention).ToTime() : null,
            Pages = pages,
            Record = record,
        };
    }

    /// <summary>When another has to hold the job; in steps, so that few writes move it in the store's index.</summary>
    private Instant? NeededAt(TimeSpan hold)
    {
        if (HasWork) return (Instant.From(_engine.Threads.Clock.GetUtcNow()) + hold).RoundUp(hold / 8);
        return Machine.State is { IsEnded: false, NextDue: var due } && due < Instant.Never ? due : null;
    }

    private bool Works()
    {
        BatchState state = Machine.State;
        return !state.IsEnded && (state.Running.Count > 0 || state.HasParked || state.Root.Pool.Peek() >= 0);
    }

    /// <summary>Something ran, or could, when it was last written.</summary>
    public bool HasWork { get; private set; }

    /// <summary>The job and this holder's epoch.</summary>
    public HeldJob Holding => new(Job, _epoch);

    void IPendingWrite.Done(JobWrite write, WriteResult result)
    {
        if (result != WriteResult.Written)
        {
            Instruments.Fenced();
            Die(new StoreException(StoreFault.Owned, $"Job {Job} was taken over by another engine; ask again."));
            return;
        }
        MarkDurable();
    }

    void IPendingWrite.Failed(StoreException fault) => Die(fault);

    private void MarkDurable()
    {
        bool settled, more;
        lock (_gate)
        {
            if (_dead) return;
            more = IsThrottled && !_inFlight.Ended;
            Reader.Log.Add(_inFlight.Start, _inFlight.Record, _inFlight.Completions, _inFlight.Ordinals);
            Rate.Add(_engine.Now, _inFlight.Ordinals);
            Machine.StartAllowance += _inFlight.Starts;
            if (Reader.Log.RecordCount > _steeredRecord) Machine.IsSteered = false;
            settled = _inFlight.Ended && !IsFinished;
            IsFinished = _inFlight.Ended;
            Telemetry.Durable(IsFinished);
            _waiting.Release(Reader.Log.RecordCount);
            CancellationTokenSource changed = _changed;
            _changed = new CancellationTokenSource();
            changed.Cancel();
        }
        if (more) Post(Kick);
        if (!settled) return;
        Spans.Run(Reader.State);
        OnSettled?.Invoke(this);
    }

    /// <summary>In a turn: where the job stands.</summary>
    public JobStatus Status(Instant now) =>
        Rate.Judge(Reader.Summarize(_taken).ToStatus(Reader.State.Header), Reader.Log.OrdinalCount, now);

    private void RefuseAll()
    {
        while (_mailbox.TryDequeue(out object? message))
            if (message is Question question) question.Refuse(Death());
    }

    /// <summary>What to tell those who ask a dead activation.</summary>
    public Exception Death() =>
        (Exception?)_fault ?? new RefusedException(Refusal.Stopping, "The engine has stopped.");

    /// <summary>What a running task last reported.</summary>
    public TaskProgress? ProgressOf(int node) => Attempts.ProgressOf(node);
}
