using System.Diagnostics;
using System.Globalization;
using Granary.Engines;

namespace Granary.Benchmarks;

/// <summary>
/// F34: a batch of 1,000,000 tasks, submitted as a stream and read as a stream, against batches of 1,000 and of 10,000;
/// and as many pending tasks, listed page by page.
/// </summary>
internal static class LongBatch
{
    private const int N = 1_000_000;
    private const int Pool = 64;
    private const int Page = 1_000;

    public static Task<Budget> RunAsync() => Measure.OnStoreAsync("sqlite", NoOp.Handlers, async client =>
    {
        await RepeatAsync(client, 1_000, 50);
        await RepeatAsync(client, 10_000, 10);
        Cost thousand = await RepeatAsync(client, 1_000, 101), tenThousand = await RepeatAsync(client, 10_000, 101);
        Cost million = await RepeatAsync(client, N, 3);
        (double[] pages, double cancel) = await PageThroughPendingAsync(client);

        var budget = new Budget("f34", N);
        budget.Add("pool", Pool);
        budget.Add("submit_s", million.Submit, 120);
        budget.Add("total_s", million.PerTask * N);
        budget.Add("per_s", 1 / million.PerTask);
        budget.Add("us_per_task", million.PerTask * 1e6);
        budget.Add("us_per_task_1000", thousand.PerTask * 1e6);
        budget.Add("us_per_task_10000", tenThousand.PerTask * 1e6);
        budget.Add("times_1000", million.PerTask / thousand.PerTask, 1.5);
        budget.Add("times_10000", million.PerTask / tenThousand.PerTask, 1.5);
        if (OperatingSystem.IsLinux())
        {
            budget.Add("bytes_per_task", million.Bytes);
            budget.Add("bytes_times_10000", million.Bytes / tenThousand.Bytes, 1.5);
        }
        budget.Add("page_p50_ms", Measure.Percentile(pages, 50));
        budget.Add("page_p99_ms", Measure.Percentile(pages, 99), 200);
        budget.Add("cancel_s", cancel);
        budget.Add("cpu_s", Measure.CpuSeconds());
        budget.Add("peak_rss_mb", Measure.PeakRssMb(), 1024);
        return budget;
    });

    private static async Task<Cost> RepeatAsync(GranaryClient client, int n, int times)
    {
        var costs = new Cost[times];
        for (int i = 0; i < times; i++) costs[i] = await RunOnceAsync(client, n);
        return new Cost(
            Measure.Median(costs.Select(c => c.Submit)), Measure.Median(costs.Select(c => c.PerTask)),
            // The log is emptied into the database now and then: each run pays its share.
            costs.Average(c => c.Bytes));
    }

    private static async Task<Cost> RunOnceAsync(GranaryClient client, int n)
    {
        long written = BytesWritten(), start = Stopwatch.GetTimestamp();
        BatchHandle<PageResult> batch = await client.StartBatchAsync<PageArgs, PageResult>(
            NoOp.Name, Enumerable.Range(0, n).Select(NoOp.Args), new() { MaxConcurrency = Pool });
        double submit = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int count = 0;
        long sum = 0;
        await foreach (TaskOutcome<PageResult> done in batch.WhenEachAsync())
            (count, sum) = (count + 1, sum + done.Value!.Id);
        if (count != n || sum != (long)n * (n - 1) / 2) throw new InvalidOperationException("The results are wrong.");
        return new Cost(
            submit, Stopwatch.GetElapsedTime(start).TotalSeconds / n, (double)(BytesWritten() - written) / n);
    }

    // All of them wait for their time, so that all are pending.
    private static async Task<(double[] Pages, double Cancel)> PageThroughPendingAsync(GranaryClient client)
    {
        BatchHandle<PageResult> batch = await client.StartBatchAsync<PageArgs, PageResult>(
            NoOp.Name, Enumerable.Range(0, N).Select(NoOp.Args), new() { Delay = TimeSpan.FromDays(1) });
        var latencies = new List<double>();
        int seen = 0;
        for (int after = -1; ;)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<PendingTask> page = await client.Engine.ListPendingAsync(batch.Id, after, Page);
            latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (page.Count > Page) throw new InvalidOperationException("A page is too long.");
            if (page.Count == 0) break;
            seen += page.Count;
            after = page[^1].Node;
        }
        if (seen != N) throw new InvalidOperationException($"{seen} of {N} pending tasks were listed.");
        long canceling = Stopwatch.GetTimestamp();
        await batch.CancelAsync();
        if ((await batch.StatusAsync()).Counts.Canceled != N)
            throw new InvalidOperationException("Not all were canceled.");
        return ([.. latencies], Stopwatch.GetElapsedTime(canceling).TotalSeconds);
    }

    // What this process has given the disk to write.
    private static long BytesWritten()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        const string Name = "write_bytes: ";
        string line = File.ReadLines("/proc/self/io").First(l => l.StartsWith(Name, StringComparison.Ordinal));
        return long.Parse(line[Name.Length..], CultureInfo.InvariantCulture);
    }

    /// <summary>Seconds of the submission, seconds and bytes a task.</summary>
    private sealed record Cost(double Submit, double PerTask, double Bytes);
}
