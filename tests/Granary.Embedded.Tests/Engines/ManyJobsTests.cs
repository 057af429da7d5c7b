using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Embedded.Sqlite;
using Granary.Embedded.Tests.Stores;
using Granary.Engines;
using Xunit;
using ManualTime = Granary.Conformance.ManualTime;

namespace Granary.Embedded.Tests.Engines;

/// <summary>
/// Many open batches and many more finished tasks in one file: the benchmark f35 in small. Its budgets of time are kept
/// here with so much to spare that a busy machine does not matter.
/// </summary>
public sealed class ManyJobsTests : IDisposable
{
    private const int Open = 2_000;
    private const int Finished = 5_000;
    private const int Expiring = Finished / 4;
    private const int TasksPerJob = 20;

    private static readonly TimeSpan s_short = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_long = TimeSpan.FromDays(100);
    private static readonly TimeSpan s_startBudget = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_listBudget = TimeSpan.FromMilliseconds(200);

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly ConcurrentBag<JobId> _expiring = [];
    private readonly ConcurrentBag<JobId> _kept = [];
    private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _held;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task All_go_on_after_a_start_are_listed_in_pages_and_only_what_has_expired_is_removed()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        await using (EmbeddedEngine first = await StartAsync(store)) await FinishAsync(new GranaryClient(first));
        await using (EmbeddedEngine passive = await StartAsync(store, passive: true))
            await InTurnAsync(Open, i => SubmitAsync(new GranaryClient(passive), "hold", [i, i], s_long, s_long));

        await using EmbeddedEngine engine = await StartAsync(store);
        await _resumed.Task.WaitAsync(s_startBudget);
        Assert.Equal(Open + Finished, (await ListAsync(engine, null)).Count);
        Assert.Equal(Finished, (await ListAsync(engine, JobState.Succeeded)).Count);

        _time.Advance(2 * s_short);
        while ((await store.ListExpiredAsync(_time.Now, 1, default)).Count > 0)
            Assert.Equal([1], await (await SubmitAsync(new(engine), "same", [1], s_long)).ResultsAsync());

        HashSet<JobId> left = [.. await ListAsync(engine, null)];
        Assert.Equal((Expiring, Finished - Expiring), (_expiring.Count, _kept.Count));
        Assert.DoesNotContain(_expiring, left.Contains);
        Assert.All(_kept, job => Assert.Contains(job, left));
        Assert.Equal(Open, (await ListAsync(engine, JobState.Running)).Count);
    }

    private Task FinishAsync(GranaryClient granary) => InTurnAsync(Finished, async i =>
    {
        bool expires = i < Expiring;
        var batch = await SubmitAsync(granary, "same", Enumerable.Range(0, TasksPerJob), expires ? s_short : s_long);
        await batch.ResultsAsync();
        (expires ? _expiring : _kept).Add(batch.Id);
    });

    private Task<EmbeddedEngine> StartAsync(SqliteJobStore store, bool passive = false)
    {
        // Ids rise with the time; two engines do not begin in the same moment.
        _time.Advance(TimeSpan.FromSeconds(1));
        HandlerRegistry handlers = new HandlerRegistry()
            .Handle<int, int>("same", (n, _) => n)
            .Handle<int, int>("hold", async (n, task) =>
            {
                if (Interlocked.Increment(ref _held) == Open) _resumed.SetResult();
                await Task.Delay(Timeout.Infinite, task.CancellationToken);
                return n;
            });
        var options = new EmbeddedOptions { Time = _time, Passive = passive, DrainTimeout = TimeSpan.Zero };
        return EmbeddedEngine.StartAsync(store, handlers, options);
    }

    private static Task<BatchHandle<int>> SubmitAsync(
        GranaryClient granary, string handler, IEnumerable<int> args, TimeSpan retention, TimeSpan? seal = null) =>
        granary.StartBatchAsync<int, int>(
            handler, args, new() { MaxConcurrency = 1, Retention = retention, SealTimeout = seal });

    private static async Task<List<JobId>> ListAsync(EmbeddedEngine engine, JobState? state)
    {
        var jobs = new List<JobId>();
        var pages = new List<TimeSpan>();
        JobId? before = null;
        do
        {
            long start = Stopwatch.GetTimestamp();
            JobPage page = await engine.ListAsync(new JobQuery { State = state, Before = before, Max = 200 });
            pages.Add(Stopwatch.GetElapsedTime(start));
            Assert.True(page.Jobs.Count <= 200);
            Assert.All(page.Jobs, job => Assert.True(state is null || job.State == state));
            jobs.AddRange(page.Jobs.Select(job => job.Id));
            before = page.Next;
        }
        while (before is not null);
        Assert.Equal(jobs.Distinct().OrderDescending(), jobs);
        // The median: single pages wait for whatever else the machine does.
        Assert.InRange(pages.Order().ElementAt(pages.Count / 2), TimeSpan.Zero, s_listBudget);
        return jobs;
    }

    private static Task InTurnAsync(int count, Func<int, Task> act)
    {
        int next = -1;
        return Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;) await act(i);
        })));
    }
}
