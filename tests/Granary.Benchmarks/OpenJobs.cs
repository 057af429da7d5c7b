using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Microsoft.Data.Sqlite;

namespace Granary.Benchmarks;

/// <summary>
/// F35: an engine starts on a store of many open batches and many more finished tasks; it lists them and takes jobs
/// in while it removes those that have expired.
/// </summary>
internal sealed class OpenJobs(ManyJobs jobs)
{
    private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentBag<double> _listings = [];
    private readonly ConcurrentBag<double> _statuses = [];
    private readonly ConcurrentBag<double> _commits = [];
    private readonly List<JobId> _known = [];
    private int _held;

    public static async Task<Budget> RunAsync(int open, int finished)
    {
        string directory = Directory.CreateTempSubdirectory("granary-f35-").FullName;
        try
        {
            string path = Path.Combine(directory, "jobs.db");
            long filling = Stopwatch.GetTimestamp();
            // By another process: this one starts afresh.
            if (!await Self.RunAsync("--fill", path, $"{open}", $"{finished}"))
                throw new InvalidOperationException("The store could not be filled.");
            double filled = Stopwatch.GetElapsedTime(filling).TotalSeconds;
            Budget budget = await new OpenJobs(new ManyJobs(path, open, finished)).MeasureAsync();
            budget.Add("fill_s", filled);
            return budget;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<Budget> MeasureAsync()
    {
        var budget = new Budget("f35", jobs.Finished);
        var time = new LaterTime(2 * ManyJobs.Short);
        long rows = CountExpiredRows(time.GetUtcNow());
        budget.Add("open", jobs.Open);
        budget.Add("file_mb", new FileInfo(jobs.Path).Length / 1048576.0);

        long start = Stopwatch.GetTimestamp();
        await using SqliteJobStore store = await jobs.OpenAsync();
        EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Handlers(), new() { Time = time });
        budget.Add("start_s", Stopwatch.GetElapsedTime(start).TotalSeconds, 30);
        await _resumed.Task;
        budget.Add("resumed_s", Stopwatch.GetElapsedTime(start).TotalSeconds, 30);

        double pruned = await LoadUntilPrunedAsync(engine, store, time);
        double[] listings = [.. _listings], statuses = [.. _statuses], commits = [.. _commits];
        budget.Add("ls_p50_ms", Measure.Percentile(listings, 50));
        budget.Add("ls_p99_ms", Measure.Percentile(listings, 99), 200);
        budget.Add("status_p99_ms", Measure.Percentile(statuses, 99), 200);
        budget.Add("pruned_rows", rows);
        budget.Add("prune_s", pruned);
        budget.Add("commit_p99_ms", Measure.Percentile(commits, 99));
        budget.Add("commit_max_ms", commits.Max(), 1_000);

        start = Stopwatch.GetTimestamp();
        await engine.StopAsync(new CancellationToken(canceled: true));
        budget.Add("stop_s", Stopwatch.GetElapsedTime(start).TotalSeconds);
        budget.Add("cpu_s", Measure.CpuSeconds());
        budget.Add("peak_rss_mb", Measure.PeakRssMb());
        return budget;
    }

    private HandlerRegistry Handlers() => NoOp.Handlers.Handle<int, int>(ManyJobs.Hold, async (n, task) =>
    {
        if (Interlocked.Increment(ref _held) == jobs.Open) _resumed.SetResult();
        await Task.Delay(Timeout.Infinite, task.CancellationToken);
        return n;
    });

    // Submits, lists and asks, one after another each, while the expired jobs go.
    private async Task<double> LoadUntilPrunedAsync(EmbeddedEngine engine, SqliteJobStore store, TimeProvider time)
    {
        var client = new GranaryClient(engine);
        using var done = new CancellationTokenSource();
        await foreach (JobStatus job in client.ListJobsAsync(JobState.Running)) _known.Add(job.Id);
        if (_known.Count != jobs.Open) throw new InvalidOperationException($"{_known.Count} jobs are listed as open.");
        Task load = Task.WhenAll(
            Task.Run(() => RepeatAsync(_commits, () => RoundTripAsync(client), done.Token)),
            Task.Run(() => RepeatAsync(_listings, () => ListAsync(client), done.Token)),
            Task.Run(() => RepeatAsync(_statuses, () => client.Engine.GetStatusAsync(Any()), done.Token)));

        long start = Stopwatch.GetTimestamp();
        while ((await store.ListExpiredAsync(time.GetUtcNow(), 1, default)).Count > 0 && !load.IsCompleted)
            await Task.Delay(10);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await done.CancelAsync();
        await load;
        return seconds;
    }

    private static async Task RepeatAsync(ConcurrentBag<double> latencies, Func<Task> act, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            long start = Stopwatch.GetTimestamp();
            await act();
            latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await Task.Delay(1, CancellationToken.None);
        }
    }

    private static async Task RoundTripAsync(GranaryClient client)
    {
        BatchHandle<int> batch = await client.StartBatchAsync<int, int>("add", [1]);
        if ((await batch.WhenAllAsync())[0].Value != 2) throw new InvalidOperationException("The result is wrong.");
    }

    // The newest, or from anywhere; of all, or of one state.
    private Task<JobPage> ListAsync(GranaryClient client)
    {
        JobState?[] states = [null, JobState.Running, JobState.Succeeded, JobState.Failed];
        return client.Engine.ListAsync(new JobQuery
        {
            State = states[Random.Shared.Next(states.Length)],
            Before = Random.Shared.Next(2) == 0 ? null : Any(),
            Max = 50,
        });
    }

    private JobId Any() => _known[Random.Shared.Next(_known.Count)];

    private long CountExpiredRows(DateTimeOffset now)
    {
        SQLitePCL.Batteries_V2.Init();
        using var connection = new SqliteConnection($"Data Source={jobs.Path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using SqliteCommand count = connection.CreateCommand();
        count.CommandText = "SELECT sum(1 + pages + records) FROM jobs WHERE expires <= $now";
        count.Parameters.AddWithValue("$now", now.ToUnixTimeMilliseconds());
        return (long)count.ExecuteScalar()!;
    }

    private sealed class LaterTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
