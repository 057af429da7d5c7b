using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>
/// W6b: 100,000 batches of 10 tasks, 64 submitters; then listings. The limit is W1's rate, measured in the same run.
/// </summary>
internal static class ManyBatches
{
    private const int N = 100_000;
    private const int Tasks = 10;
    private const int Submitters = 64;

    public static async Task<Result> RunAsync()
    {
        Result w1 = await ManyTasks.RunAsync("w1", 100_000, "sqlite");
        Run run = await RunOnceAsync();
        return new Result
        {
            Workload = "w6b",
            Store = "sqlite",
            N = N * Tasks,
            Pool = Tasks,
            TotalS = run.Total,
            PerS = N * Tasks / run.Total,
            // The latencies are those of listing the newest 50 jobs.
            P50Ms = Measure.Percentile(run.Latencies, 50),
            P99Ms = Measure.Percentile(run.Latencies, 99),
            CpuS = run.Cpu,
            PeakRssMb = Measure.PeakRssMb(),
            LimitPerS = w1.PerS,
            Ratio = N * Tasks / run.Total / w1.PerS,
        };
    }

    private static Task<Run> RunOnceAsync() => Measure.OnStoreAsync("sqlite", NoOp.Handlers, async client =>
    {
        double cpu = Measure.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, Submitters).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) <= N)
            {
                BatchHandle<int> batch = await client.StartBatchAsync<int, int>(
                    "add", Enumerable.Range(0, Tasks), new() { MaxConcurrency = Tasks });
                if ((await batch.WhenAllAsync())[Tasks - 1].Value != Tasks)
                    throw new InvalidOperationException("The results are wrong.");
            }
        })));
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        cpu = Measure.CpuSeconds() - cpu;
        var listings = new double[200];
        for (int i = 0; i < listings.Length; i++)
        {
            long began = Stopwatch.GetTimestamp();
            int count = 0;
            await foreach (JobStatus _ in client.ListJobsAsync())
                if (++count == 50) break;
            listings[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        return new Run(0, total, cpu, 0, listings);
    });
}
