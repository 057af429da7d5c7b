using Granary.Activations;
using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Embedded;

/// <summary>
/// Runs jobs in this process on a store that it has to itself. It opens no ports. What was unfinished when the
/// process before it ended goes on by itself.
/// </summary>
public sealed class EmbeddedEngine : IJobEngine, IAsyncDisposable
{
    /// <summary>How long a drain waits for the store to take what is left, when it is blocked: 5 seconds.</summary>
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How often a question that waits for a write looks whether writing is held back: 100
    /// milliseconds.</summary>
    private static readonly TimeSpan HeldUpInterval = TimeSpan.FromMilliseconds(100);

    private readonly EmbeddedOptions _options;
    private readonly EngineContext _engine;
    private readonly JobIds _ids;
    private readonly ReadOnlyEngine _stored;
    private readonly ActivationTable _jobs;
    private readonly Janitor _janitor;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _resuming = Task.CompletedTask;
    private int _stopped;

    private EmbeddedEngine(
        IJobStore store, HandlerRegistry handlers, EmbeddedOptions options,
        Func<Action<Exception>, IEngineThreads> threads)
    {
        _options = options;
        _engine = new EngineContext(store, handlers, options.ToSettings(), threads(OnFault))
        {
            IsHeld = options.Passive,
        };
        _ids = new JobIds(options.Time, options.Random);
        _stored = new ReadOnlyEngine(store);
        _jobs = new ActivationTable(_engine);
        _janitor = new Janitor(_engine, _jobs);
    }

    /// <summary>
    /// Completes when the engine has stopped; fails if the store broke under it, after which nothing more is
    /// acknowledged.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Why writing is held back at the moment, such as a full disk; null when all is well.</summary>
    public StoreFault? Blocked => _engine.Threads.Blocked;

    /// <summary>Starts an engine on a store. The store stays the caller's to dispose, after the engine.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    /// <exception cref="StoreException">The store cannot be used.</exception>
    public static Task<EmbeddedEngine> StartAsync(
        IJobStore store, HandlerRegistry handlers, EmbeddedOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new EmbeddedOptions();
        return StartAsync(
            store, handlers, options, onFault => new EngineThreads(store, options.Time, onFault), cancellation);
    }

    /// <summary>The same on threads of the caller's choice, for simulations.</summary>
    internal static async Task<EmbeddedEngine> StartAsync(
        IJobStore store, HandlerRegistry handlers, EmbeddedOptions options,
        Func<Action<Exception>, IEngineThreads> threads, CancellationToken cancellation)
    {
        options.Check();
        await store.OwnAsync(cancellation);
        var engine = new EmbeddedEngine(store, handlers, options, threads);
        await engine._janitor.RemoveStagedAsync(cancellation);
        engine._resuming = engine._jobs.ResumeAllAsync(engine._stop.Token);
        engine._janitor.Start(engine._resuming);
        return engine;
    }

    /// <inheritdoc/>
    public Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation = default) =>
        Spans.AreOn
            ? SubmitTracedAsync(spec, items, cancellation)
            : SubmitAsync(spec, items, TraceContext.Current, cancellation);

    private Task<Submission> SubmitTracedAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation) =>
        Spans.AcceptAsync(spec.Kind, trace => SubmitAsync(spec, items, trace, cancellation));

    private async Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, TraceContext trace, CancellationToken cancellation)
    {
        CheckRunning();
        SpecRules.Check(spec);
        if (spec.Key is { } key && await _engine.Store.FindAsync(key, cancellation) is { } existing)
            return await CompareAsync(existing, spec, items, cancellation);

        var header = new JobHeader(_ids.Next(), spec, _engine.Now) { Trace = trace };
        if (await new Submitter(_engine, _jobs, header).SubmitAsync(items, cancellation))
            return new Submission(header.Id, Existed: false);

        // Somebody else submitted under this key at the same time.
        JobId other = await _engine.Store.FindAsync(spec.Key!, cancellation)
            ?? throw new RefusedException(
                Refusal.KeyConflict, $"The key '{spec.Key}' was taken and freed again; submit again.");
        return await CompareAsync(other, spec, items, cancellation);
    }

    /// <inheritdoc/>
    public async Task<AppendReceipt> AppendAsync(
        JobId job, IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default)
    {
        var given = new List<Item>();
        await foreach (Item item in items.WithCancellation(cancellation)) given.Add(item);
        var appender = new Appender(_engine, given, key);
        return await SteerAsync(job, appender.Append, cancellation);
    }

    /// <inheritdoc/>
    public Task SealAsync(JobId job, CancellationToken cancellation = default) =>
        SteerAsync(job, (a, now) => Checked(a, a.Machine.Seal(now)), cancellation);

    /// <inheritdoc/>
    public async Task<JobId?> FindAsync(string key, CancellationToken cancellation = default)
    {
        CheckEnded();
        return await _engine.Store.FindAsync(key, cancellation);
    }

    /// <inheritdoc/>
    public async Task<JobStatus> GetStatusAsync(JobId job, CancellationToken cancellation = default)
    {
        (Activation? activation, JobReader reader) = await ReadAsync(job, cancellation);
        if (activation is null) return reader.Summarize(reader.Log.RecordCount).ToStatus(reader.State.Header);
        Task<JobStatus> asked = activation.AskAsync(static (a, now) => a.Status(now));
        return await IsHeldUpAsync(asked, cancellation) ? await _stored.GetStatusAsync(job, cancellation) : await asked;
    }

    /// <inheritdoc/>
    public Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellation = default)
    {
        CheckEnded();
        return JobListing.ReadAsync(_engine.Store, query, cancellation);
    }

    /// <inheritdoc/>
    public async Task<CompletionPage> ReadCompletionsAsync(
        JobId job, int after, int max, TimeSpan patience, CancellationToken cancellation = default)
    {
        Ranges.Check(after, max);
        (Activation? activation, JobReader reader) = await ReadAsync(job, cancellation);
        if (activation is null) return await CompletionWatch.ReadEndedAsync(reader, after, max, cancellation);
        return await new CompletionWatch(activation, _engine.Options.Time, CheckRunning, _stop.Token)
            .ReadAsync(after, max, patience, cancellation);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        JobId job, int from, int max, CancellationToken cancellation = default)
    {
        Ranges.Check(from, max);
        (Activation? activation, JobReader reader) = await ReadAsync(job, cancellation);
        Task<int[]> asked = activation is null
            ? Task.FromResult(reader.OrdinalsOf(from, max))
            : activation.AskAsync((a, _) => a.Reader.OrdinalsOf(from, max));
        return await IsHeldUpAsync(asked, cancellation)
            ? await _stored.ReadOutcomesAsync(job, from, max, cancellation)
            : await reader.ReadOutcomesAsync(from, await asked, cancellation);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PendingTask>> ListPendingAsync(
        JobId job, int after, int max, CancellationToken cancellation = default)
    {
        Ranges.Check(0, max);
        (Activation? activation, JobReader reader) = await ReadAsync(job, cancellation);
        if (activation is null) return reader.ListPending(after, max, static _ => null);
        Task<List<PendingTask>> asked =
            activation.AskAsync((a, _) => a.Reader.ListPending(after, max, a.ProgressOf));
        return await IsHeldUpAsync(asked, cancellation)
            ? await _stored.ListPendingAsync(job, after, max, cancellation)
            : await asked;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(
        JobId job, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        (_, JobReader reader) = await ReadAsync(job, cancellation);
        await foreach (TimelineSpan span in reader.ReadTimelineAsync(cancellation)) yield return span;
    }

    /// <inheritdoc/>
    public Task CancelAsync(JobId job, CancelScope scope, CancellationToken cancellation = default) =>
        SteerAsync(job, (a, now) => Checked(a, a.Machine.Cancel(scope, now)), cancellation);

    /// <inheritdoc/>
    public Task ResizeAsync(JobId job, int maxConcurrency, CancellationToken cancellation = default)
    {
        SpecRules.CheckPool("maxConcurrency", maxConcurrency);
        return SteerAsync(job, (a, now) => Checked(a, a.Machine.Resize(maxConcurrency, now)), cancellation);
    }

    /// <inheritdoc/>
    public Task PauseAsync(JobId job, CancellationToken cancellation = default) =>
        SteerAsync(job, (a, now) => Checked(a, a.Machine.Pause(true, now)), cancellation);

    /// <inheritdoc/>
    public Task ResumeAsync(JobId job, CancellationToken cancellation = default) =>
        SteerAsync(job, (a, now) => Checked(a, a.Machine.Pause(false, now)), cancellation);

    /// <inheritdoc/>
    public Task<int> RetryFailedAsync(JobId job, CancellationToken cancellation = default) =>
        SteerAsync(job, Retry, cancellation);

    /// <summary>
    /// Starts nothing more and waits for what runs. When the token fires, running attempts are signaled and go back
    /// to their queues; they run again at the next start. Reading and steering go on until the engine is disposed.
    /// </summary>
    public async Task DrainAsync(CancellationToken cancellation = default)
    {
        _engine.IsHeld = true;
        await _resuming.ConfigureAwait(Patience.Quietly);
        TimeProvider clock = _engine.Threads.Clock;
        long? releasedAt = null;
        while (_jobs.Running() is { Count: > 0 } running)
        {
            if (releasedAt is { } at && clock.GetElapsedTime(at) > JobDefaults.CancelGrace) break;
            if (cancellation.IsCancellationRequested && releasedAt is null)
            {
                releasedAt = clock.GetTimestamp();
                foreach (Activation activation in running) activation.Post(StopCause.Release);
            }
            // Attempts end in turns of many activations; looking again is simpler than a signal from each, and
            // happens at stop only.
            await Task.Delay(TimeSpan.FromMilliseconds(5), clock, CancellationToken.None);
        }
        foreach (Activation activation in _jobs.All())
            await FlushAsync(activation).WaitAsync(FlushTimeout, clock, CancellationToken.None);
    }

    private static async Task FlushAsync(Activation activation) => await activation.AskAsync(static (_, _) => true);

    /// <summary>
    /// Lets what runs finish for <see cref="EmbeddedOptions.DrainTimeout"/>, or until the token fires, then signals
    /// it, and stops.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellation = default)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            await _completion.Task.ConfigureAwait(Patience.Quietly);
            return;
        }
        _stop.Cancel();
        await _janitor.StopAsync();
        if (!_completion.Task.IsCompleted)
        {
            using var patience = new CancellationTokenSource(_options.DrainTimeout, _engine.Threads.Clock);
            using var drain = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
            await DrainAsync(drain.Token).ConfigureAwait(Patience.Quietly);
        }
        await EndAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Ends at once and writes nothing, as a killed process would. For tests.</summary>
    internal async ValueTask CrashAsync()
    {
        Interlocked.Exchange(ref _stopped, 1);
        _engine.IsHeld = true;
        _stop.Cancel();
        foreach (Activation activation in _jobs.All()) activation.Die(null);
        await _janitor.StopAsync();
        await EndAsync();
    }

    private async Task EndAsync()
    {
        await _resuming.ConfigureAwait(Patience.Quietly);
        await _engine.Threads.DisposeAsync();
        foreach (Activation activation in _jobs.All()) activation.Die(null);
        _completion.TrySetResult();
    }

    private async Task<T> SteerAsync<T>(
        JobId job, Func<Activation, Instant, T> command, CancellationToken cancellation)
    {
        CheckRunning();
        cancellation.ThrowIfCancellationRequested();
        for (bool again = true; ; again = false)
        {
            Activation activation = await _jobs.ActivateAsync(job, CancellationToken.None);
            try
            {
                Task<T> asked = activation.AskAsync(command);
                if (cancellation.CanBeCanceled) await Patience.AnsweredAsync(asked, cancellation);
                if (!asked.IsCompleted) cancellation.ThrowIfCancellationRequested();
                return await asked;
            }
            catch (StoreException e) when (e.Fault == StoreFault.Owned && again)
            {
                // The activation lost the job to a newer one of this engine and has recorded nothing; ask that one.
            }
        }
    }

    // Answers speak of what is durable and so wait for the write under way. While that is held back, by a full disk
    // say, what the store holds is the answer.
    private async Task<bool> IsHeldUpAsync(Task asked, CancellationToken cancellation)
    {
        while (!asked.IsCompleted)
        {
            if (Blocked is StoreFault.Full or StoreFault.Unavailable) return true;
            using var look = new CancellationTokenSource(HeldUpInterval, _engine.Options.Time);
            await Patience.AnsweredAsync(asked, look.Token, cancellation);
            cancellation.ThrowIfCancellationRequested();
        }
        return false;
    }

    private static int Retry(Activation activation, Instant now)
    {
        Refusals.Check(activation.Machine.RetryFailed(now, out int count), activation.Job);
        return count;
    }

    private static bool Checked(Activation activation, Refusal refusal)
    {
        Refusals.Check(refusal, activation.Job);
        return true;
    }

    private async Task<Submission> CompareAsync(
        JobId existing, JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation)
    {
        (_, JobReader reader) = await ReadAsync(existing, cancellation);
        Spans.FindEarlier(reader.State.Header.Trace);
        var comparison = new ContentComparison(_engine.Store, reader);
        var writer = new PageWriter(comparison.CheckSpec(spec), 0, 1, _ => true, _engine.Options.MaxArgumentBytes);
        await foreach (Item item in items.WithCancellation(cancellation))
        {
            writer.Add(item, writer.ItemCount);
            foreach (StoredPage page in writer.HasFull ? writer.TakeFull() : [])
                await comparison.CheckPageAsync(page, cancellation);
        }
        foreach (StoredPage page in writer.Finish()) await comparison.CheckPageAsync(page, cancellation);
        comparison.CheckEnd(writer.ItemCount);
        return new Submission(existing, Existed: true);
    }

    private Task<(Activation? Activation, JobReader Reader)> ReadAsync(JobId job, CancellationToken cancellation)
    {
        CheckEnded();
        return _jobs.FindAsync(job, cancellation);
    }

    // While it drains it still answers; once it has ended, the store may be gone.
    private void CheckEnded()
    {
        if (_completion.Task.IsCompleted) CheckRunning();
    }

    private void CheckRunning()
    {
        if (_completion.Task is { IsFaulted: true } faulted) throw faulted.Exception!.InnerException!;
        if (Volatile.Read(ref _stopped) != 0) throw new RefusedException(Refusal.Stopping, "The engine is stopping.");
    }

    private void OnFault(Exception fault)
    {
        _engine.IsHeld = true;
        EngineLog.StoreFailed(_engine.Log, fault);
        _completion.TrySetException(fault);
    }
}
