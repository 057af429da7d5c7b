using Granary.Embedded;
using Granary.Embedded.Sqlite;

namespace Granary.Benchmarks;

/// <summary>
/// F35's store: jobs that have ended, a third of them about to expire, and open batches with a task that is under way
/// and one that waits for it.
/// </summary>
internal sealed record ManyJobs(string Path, int Open, int Finished)
{
    public const string Hold = "hold";

    private const int TasksPerJob = 10;
    private const int Submitters = 64;

    /// <summary>How long the jobs are kept that are to expire.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromHours(1);

    private static readonly TimeSpan s_long = TimeSpan.FromDays(1_000);

    public async Task FillAsync()
    {
        await using SqliteJobStore store = await OpenAsync();
        HandlerRegistry handlers = NoOp.Handlers;
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, handlers))
        {
            var client = new GranaryClient(engine);
            // One of them is large: pages of 64 KiB are removed otherwise than small ones.
            int large = Finished / 10;
            await FinishAsync(client, large, Short);
            await InTurnAsync((Finished - large) / TasksPerJob, i =>
                FinishAsync(client, TasksPerJob, i % 3 == 0 ? Short : s_long));
        }
        handlers.Handle<int, int>(Hold, (n, _) => n);
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, handlers, new() { Passive = true }))
        {
            var client = new GranaryClient(engine);
            BatchOptions options = new() { MaxConcurrency = 1, SealTimeout = s_long };
            await InTurnAsync(Open, i => client.StartBatchAsync<int, int>(Hold, [i, i], options));
        }
    }

    public Task<SqliteJobStore> OpenAsync() => SqliteJobStore.OpenAsync(new() { Path = Path }, default);

    private static async Task FinishAsync(GranaryClient client, int tasks, TimeSpan retention)
    {
        BatchHandle<PageResult> batch = await client.StartBatchAsync<PageArgs, PageResult>(
            NoOp.Name, Enumerable.Range(0, tasks).Select(NoOp.Args),
            new() { MaxConcurrency = 64, Retention = retention });
        await foreach (TaskOutcome<PageResult> _ in batch.WhenEachAsync()) { }
    }

    private static Task InTurnAsync(int count, Func<int, Task> act)
    {
        int next = -1;
        return Task.WhenAll(Enumerable.Range(0, Submitters).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;) await act(i);
        })));
    }
}
