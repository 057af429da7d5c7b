using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains.Faults.Loads;

/// <summary>
/// Clients that submit batches and chains under keys, ask again when they get no answer, and stream what completes by
/// cursor. Each writes down what it was told.
/// </summary>
internal sealed class Load(IReadOnlyList<IJobEngine> engines)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<SubmittedJob> _jobs = new();
    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _submitted;
    private long _longestWait;
    private long _completed;

    /// <summary>Tasks a second that are submitted, while the clients keep up.</summary>
    public int Rate { get; init; } = 1_500;

    public int BatchClients { get; init; } = 12;

    public int ChainClients { get; init; } = 6;

    public int TasksInBatch { get; init; } = 100;

    public int StepsInChain { get; init; } = 5;

    public int Pool { get; init; } = 8;

    public IEnumerable<SubmittedJob> Jobs => _jobs;

    /// <summary>Those whose submission was acknowledged, and that have not been seen to end.</summary>
    public IEnumerable<SubmittedJob> Live => _jobs.Where(job => job is { Job: not null, HasEnded: false });

    /// <summary>Outcomes that clients have been shown.</summary>
    public long Completed => Interlocked.Read(ref _completed);

    /// <summary>How often clients had to ask again, by what they were told.</summary>
    public IReadOnlyDictionary<string, int> Refusals => _refusals;

    /// <summary>What must not happen to a client at all.</summary>
    public ConcurrentQueue<string> Problems { get; } = new();

    /// <summary>The longest that a client waited for one answer or refusal.</summary>
    public TimeSpan LongestWait => new(Interlocked.Read(ref _longestWait));

    /// <summary>Runs until it is told to stop submitting and everything has ended, or is given up.</summary>
    public Task RunAsync(CancellationToken stop, CancellationToken giveUp) => Task.WhenAll(
    [
        .. Enumerable.Range(0, BatchClients)
            .Select(_ => RunAsync(JobKind.Batch, TasksInBatch, Pool, stop, giveUp)),
        .. Enumerable.Range(0, ChainClients).Select(_ => RunAsync(JobKind.Chain, StepsInChain, 1, stop, giveUp)),
    ]);

    private Task RunAsync(JobKind kind, int count, int pool, CancellationToken stop, CancellationToken giveUp) =>
        Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    long first = Interlocked.Add(ref _submitted, count) - count;
                    while (first > Rate * _clock.Elapsed.TotalSeconds && !stop.IsCancellationRequested)
                        await Task.Delay(10, CancellationToken.None);
                    var job = new SubmittedJob(kind, first, count, pool);
                    await FollowAsync(job, giveUp);
                }
            },
            CancellationToken.None);

    /// <summary>Submits a job and follows it to its end.</summary>
    public async Task FollowAsync(SubmittedJob job, CancellationToken giveUp)
    {
        _jobs.Enqueue(job);
        while (job.Job is null && !giveUp.IsCancellationRequested)
        {
            await TryAsync("submit", job, async engine =>
                job.Job = (await engine.SubmitAsync(job.Spec, job.Items.ToAsyncEnumerable(), giveUp)).Job, giveUp);
        }
        while (!job.HasEnded && !giveUp.IsCancellationRequested)
        {
            await TryAsync("read", job, async engine =>
            {
                CompletionPage page = await engine.ReadCompletionsAsync(
                    job.Job!.Value, job.Seen.Count, 1_000, TimeSpan.FromSeconds(10), giveUp);
                job.Seen.AddRange(page.Outcomes.Select(Seen.Of));
                Interlocked.Add(ref _completed, page.Outcomes.Count);
                job.HasEnded = page.Ended;
            }, giveUp);
        }
    }

    private async Task TryAsync(
        string what, SubmittedJob job, Func<IJobEngine, Task> call, CancellationToken giveUp)
    {
        IJobEngine engine = engines[Random.Shared.Next(engines.Count)];
        long start = Stopwatch.GetTimestamp();
        try
        {
            await call(engine);
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is StoreException or RefusedException { Refusal: Refusal.Stopping })
        {
            string said = e is StoreException s ? $"{what}: {s.Fault}" : $"{what}: stopping";
            _refusals.AddOrUpdate(said, 1, static (_, n) => n + 1);
            await Task.Delay(s_pause, CancellationToken.None);
        }
        catch (Exception e)
        {
            Problems.Enqueue($"{job.Key}: {what} gave {e.GetType().Name}: {e.Message}");
            await Task.Delay(s_pause, CancellationToken.None);
        }
        long waited = Stopwatch.GetElapsedTime(start).Ticks;
        for (long longest = _longestWait; waited > longest; longest = _longestWait)
            Interlocked.CompareExchange(ref _longestWait, waited, longest);
    }
}
