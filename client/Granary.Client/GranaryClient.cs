using System.Runtime.CompilerServices;
using System.Text.Json;
using Granary.Engines;
using Granary.Telemetry;

namespace Granary;

/// <summary>
/// Starts durable batches and chains on an engine and finds them again. One instance serves a whole process.
/// Everything it is refused is a <see cref="RefusedException"/>, and nothing has changed then.
/// </summary>
public sealed class GranaryClient
{
    private const int ListPage = 200;
    private readonly TimeProvider _time;

    /// <summary>Makes a client of an engine.</summary>
    /// <param name="engine">The engine; the client does not dispose it.</param>
    /// <param name="time">The clock of timeouts in <see cref="BatchHandle{T}.WaitAsync"/>. Default: the
    /// system's.</param>
    public GranaryClient(IJobEngine engine, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Engine = engine;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The engine below.</summary>
    public IJobEngine Engine { get; }

    /// <summary>Starts a batch of one handler's calls, one for each of the arguments. Durable when it returns; an
    /// enumeration that throws leaves no batch.</summary>
    /// <typeparam name="TArgs">What the handler is given; written as JSON.</typeparam>
    /// <typeparam name="TResult">What the handler returns; read from JSON.</typeparam>
    /// <param name="handler">The handler's name.</param>
    /// <param name="args">One task each, in order. Read once, and not kept in memory.</param>
    /// <param name="options">Pool, retries, key and so on.</param>
    /// <param name="cancellation">Gives the submission up.</param>
    /// <exception cref="RefusedException">A setting is out of its range, the handler is unknown, or the key was used
    /// with other content.</exception>
    public Task<BatchHandle<TResult>> StartBatchAsync<TArgs, TResult>(
        string handler, IEnumerable<TArgs> args, BatchOptions? options = null, CancellationToken cancellation = default)
    {
        CheckHandler(handler);
        ArgumentNullException.ThrowIfNull(args);
        return StartBatchAsync<TResult>(ItemStreams.Of(handler, args), options, cancellation);
    }

    /// <summary>The same, from a stream: a million arguments need no more memory than a few.</summary>
    public Task<BatchHandle<TResult>> StartBatchAsync<TArgs, TResult>(
        string handler, IAsyncEnumerable<TArgs> args, BatchOptions? options = null,
        CancellationToken cancellation = default)
    {
        CheckHandler(handler);
        ArgumentNullException.ThrowIfNull(args);
        return StartBatchAsync<TResult>(ItemStreams.Of(handler, args), options, cancellation);
    }

    /// <summary>Starts a batch of tasks, chains and batches that all yield a <typeparamref name="TResult"/>.</summary>
    public Task<BatchHandle<TResult>> StartBatchAsync<TResult>(
        IEnumerable<Item> items, BatchOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        return StartBatchAsync<TResult>(ItemStreams.Of(items), options, cancellation);
    }

    /// <summary>The same, from a stream.</summary>
    public async Task<BatchHandle<TResult>> StartBatchAsync<TResult>(
        IAsyncEnumerable<Item> items, BatchOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        Submission submission = await SubmitAsync((options ?? new BatchOptions()).ToSpec(), items, cancellation);
        return new BatchHandle<TResult>(Engine, _time, submission.Job, submission.Existed);
    }

    /// <summary>Starts a batch of items that yield different things.</summary>
    public Task<BatchHandle<JsonElement>> StartBatchAsync(
        IEnumerable<Item> items, BatchOptions? options = null, CancellationToken cancellation = default) =>
        StartBatchAsync<JsonElement>(items, options, cancellation);

    /// <summary>The same, from a stream.</summary>
    public Task<BatchHandle<JsonElement>> StartBatchAsync(
        IAsyncEnumerable<Item> items, BatchOptions? options = null, CancellationToken cancellation = default) =>
        StartBatchAsync<JsonElement>(items, options, cancellation);

    /// <summary>Starts a chain. A <see cref="Chain"/> can be given as it is. Durable when it returns.</summary>
    /// <typeparam name="TResult">What its last step yields.</typeparam>
    /// <param name="chain">The steps, in order.</param>
    /// <param name="options">Retries, key and so on.</param>
    /// <param name="cancellation">Gives the submission up.</param>
    /// <exception cref="RefusedException">A setting is out of its range, a handler is unknown, or the key was used
    /// with other content.</exception>
    public async Task<ChainHandle<TResult>> StartChainAsync<TResult>(
        ChainItem chain, ChainOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(chain);
        JobSpec spec = (options ?? new ChainOptions()).ToSpec(chain);
        Submission submission = await SubmitAsync(spec, ItemStreams.Of(chain.Steps), cancellation);
        return new ChainHandle<TResult>(Engine, submission.Job, submission.Existed);
    }

    /// <summary>Starts a chain whose result is read as JSON.</summary>
    public Task<ChainHandle<JsonElement>> StartChainAsync(
        ChainItem chain, ChainOptions? options = null, CancellationToken cancellation = default) =>
        StartChainAsync<JsonElement>(chain, options, cancellation);

    /// <summary>The handle of a batch that was started before, here or elsewhere. Asks nobody: a wrong id is noticed
    /// at the first use.</summary>
    public BatchHandle<T> GetBatch<T>(JobId id) => new(Engine, _time, id, existed: true);

    /// <summary>The handle of a chain that was started before, here or elsewhere. Asks nobody: a wrong id is noticed
    /// at the first use.</summary>
    public ChainHandle<T> GetChain<T>(JobId id) => new(Engine, id, existed: true);

    /// <summary>The job that was submitted with this key, or null.</summary>
    public Task<JobId?> FindAsync(string key, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        return Engine.FindAsync(key, cancellation);
    }

    /// <summary>Jobs, newest first.</summary>
    /// <param name="state">Only jobs in this state; null, the default, for all.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async IAsyncEnumerable<JobStatus> ListJobsAsync(
        JobState? state = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        JobId? before = null;
        do
        {
            var query = new JobQuery { State = state, Before = before, Max = ListPage };
            JobPage page = await Engine.ListAsync(query, cancellation);
            foreach (JobStatus job in page.Jobs) yield return job;
            before = page.Next;
        }
        while (before is not null);
    }

    private Task<Submission> SubmitAsync(JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation) =>
        Spans.AreOn ? SubmitTracedAsync(spec, items, cancellation) : Engine.SubmitAsync(spec, items, cancellation);

    private Task<Submission> SubmitTracedAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation) =>
        Spans.SubmitAsync(spec.Kind, () => Engine.SubmitAsync(spec, items, cancellation));

    private static void CheckHandler(string handler)
    {
        if (string.IsNullOrWhiteSpace(handler))
        {
            throw new RefusedException(
                Refusal.Invalid, "The handler's name is blank. Give the name it was registered with.");
        }
    }
}
