using Granary.Engines;

namespace Granary;

/// <summary>A batch: gather its outcomes, stream them, wait with a timeout, append, resize, cancel, retry.</summary>
/// <typeparam name="T">What its items yield.</typeparam>
public sealed class BatchHandle<T> : JobHandle
{
    private readonly TimeProvider _time;

    internal BatchHandle(IJobEngine engine, TimeProvider time, JobId id, bool existed)
        : base(engine, id, existed) => _time = time;

    /// <summary>Waits for the end and gives every outcome in submission order, failures as values
    /// (asyncio: <c>gather(return_exceptions=True)</c>).</summary>
    public async Task<IReadOnlyList<TaskOutcome<T>>> WhenAllAsync(CancellationToken cancellation = default) =>
        await Log.GatherAsync<T>(cancellation);

    /// <summary>Waits for the end and gives every value in submission order (asyncio: <c>gather</c>).</summary>
    /// <exception cref="BatchFailedException">Some items did not succeed.</exception>
    public async Task<IReadOnlyList<T>> ResultsAsync(CancellationToken cancellation = default)
    {
        TaskOutcome<T>[] all = await Log.GatherAsync<T>(cancellation);
        FailedItem[] failures = [.. all.Where(outcome => !outcome.Succeeded).Select(FailedItem.Of)];
        if (failures.Length > 0) throw new BatchFailedException(Id, all.Length, failures);
        return Array.ConvertAll(all, outcome => outcome.Value);
    }

    /// <summary>Every outcome once, as it completes (asyncio: <c>as_completed</c>). To go on after a cut, give the
    /// <see cref="TaskOutcome{T}.Sequence"/> of the last outcome that was seen; restarts of either side do not matter.
    /// A retried item comes again, with a later number.</summary>
    /// <param name="afterSequence">0, the default: from the first.</param>
    /// <param name="cancellation">Ends the reading; the batch is not touched.</param>
    public IAsyncEnumerable<TaskOutcome<T>> WhenEachAsync(
        int afterSequence = 0, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        return Log.EachAsync<T>(afterSequence, cancellation);
    }

    /// <summary>Waits until something has happened or the time is up, and tells what is done and what is not
    /// (asyncio: <c>wait</c>). A timeout is no error and cancels nothing.</summary>
    /// <param name="until">What to wait for. Default: the end.</param>
    /// <param name="timeout">Up to 24 days; zero looks without waiting. Null, the default: no limit.</param>
    /// <param name="cancellation">Ends the waiting with an exception; the batch is not touched.</param>
    public async Task<BatchWait<T>> WaitAsync(
        WaitFor until = WaitFor.All, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        using CancellationTokenSource timer = StartTimer(until, timeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        JobStatus status = await StatusAsync(cancellation);
        List<Outcome?> outcomes = await Log.SnapshotAsync(status.ItemCount, cancellation);
        bool met = status.State.IsEnd() || outcomes.Exists(outcome => IsNews(until, outcome));
        try
        {
            for (int after = status.CompletionCount; !met;)
            {
                CompletionPage page = await Log.ReadAsync(after, either.Token);
                Overlay(outcomes, page.Outcomes);
                if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
                met = page.Ended || page.Outcomes.Any(outcome => IsNews(until, outcome));
            }
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // The time is up: tell what there is.
        }
        if (status.Open) Extend(outcomes, (await StatusAsync(cancellation)).ItemCount);
        return Split(outcomes);
    }

    /// <summary>Changes how many tasks may run at once, from now on. Never interrupts what runs. Durable.</summary>
    /// <param name="maxConcurrency">1 to 1,000,000.</param>
    /// <param name="cancellation">Ends the call.</param>
    public Task ResizePoolAsync(int maxConcurrency, CancellationToken cancellation = default)
    {
        SpecChecks.Pool("The pool", maxConcurrency);
        return Engine.ResizeAsync(Id, maxConcurrency, cancellation);
    }

    /// <summary>Adds one task for each of the arguments to an open batch (<see cref="BatchOptions.SealTimeout"/>), in
    /// order; durable when it returns.</summary>
    /// <param name="handler">The handler's name.</param>
    /// <param name="args">One task each.</param>
    /// <param name="key">Your own name of this append: the same again, with the same content, appends nothing more.
    /// Default none.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="RefusedException"><see cref="Refusal.Sealed"/>, <see cref="Refusal.Ended"/> or
    /// <see cref="Refusal.KeyConflict"/>.</exception>
    public Task<AppendReceipt> AppendAsync<TArgs>(
        string handler, IEnumerable<TArgs> args, string? key = null, CancellationToken cancellation = default) =>
        AppendAsync(ItemStreams.Of(handler, args), key, cancellation);

    /// <summary>The same, from a stream.</summary>
    public Task<AppendReceipt> AppendAsync<TArgs>(
        string handler, IAsyncEnumerable<TArgs> args, string? key = null, CancellationToken cancellation = default) =>
        AppendAsync(ItemStreams.Of(handler, args), key, cancellation);

    /// <summary>Adds items of any kind to an open batch, in order; durable when it returns.</summary>
    public Task<AppendReceipt> AppendAsync(
        IEnumerable<Item> items, string? key = null, CancellationToken cancellation = default) =>
        AppendAsync(ItemStreams.Of(items), key, cancellation);

    /// <summary>The same, from a stream.</summary>
    public Task<AppendReceipt> AppendAsync(
        IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default)
    {
        SpecChecks.Key(key);
        return Engine.AppendAsync(Id, items, key, cancellation);
    }

    /// <summary>Ends an open batch's input. Sealing twice is no error.</summary>
    public Task SealAsync(CancellationToken cancellation = default) => Engine.SealAsync(Id, cancellation);

    private CancellationTokenSource StartTimer(WaitFor until, TimeSpan? timeout)
    {
        if (!Enum.IsDefined(until))
            throw new ArgumentOutOfRangeException(nameof(until), until, "Use First, FirstException or All.");
        TimeSpan limit = timeout ?? Timeout.InfiniteTimeSpan;
        if (limit != Timeout.InfiniteTimeSpan && (limit < TimeSpan.Zero || limit.TotalMilliseconds > int.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(timeout), limit, "Use zero to 24 days, or null for no limit.");
        return new CancellationTokenSource(limit, _time);
    }

    private static bool IsNews(WaitFor until, Outcome? outcome) => outcome is not null && until switch
    {
        WaitFor.First => true,
        WaitFor.FirstException => outcome.State == JobState.Failed,
        WaitFor.All => false,
    };

    private static void Overlay(List<Outcome?> outcomes, IReadOnlyList<Outcome> news)
    {
        foreach (Outcome outcome in news)
        {
            Extend(outcomes, outcome.Index + 1);
            outcomes[outcome.Index] = outcome;
        }
    }

    private static void Extend(List<Outcome?> outcomes, int count)
    {
        while (outcomes.Count < count) outcomes.Add(null);
    }

    private static BatchWait<T> Split(List<Outcome?> outcomes)
    {
        var done = new List<TaskOutcome<T>>(outcomes.Count);
        var pending = new List<int>();
        for (int i = 0; i < outcomes.Count; i++)
        {
            if (outcomes[i] is { } outcome) done.Add(new TaskOutcome<T>(outcome));
            else pending.Add(i);
        }
        return new BatchWait<T>(done, pending);
    }
}
