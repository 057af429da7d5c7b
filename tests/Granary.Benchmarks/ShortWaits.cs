using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>
/// W3: 10,000 tasks that await 5 ms, pool of 100; the limit is Parallel.ForEachAsync without any store.
/// </summary>
internal static class ShortWaits
{
    private const int N = 10_000;
    private const int Pool = 100;

    public static async Task<Result> RunAsync()
    {
        (Run[] runs, double[] limits) = await Measure.InTurnAsync(RunOnceAsync, LimitAsync);
        double total = Measure.Median(runs.Select(r => r.Total));
        return new Result
        {
            Workload = "w3",
            Store = "sqlite",
            N = N,
            Pool = Pool,
            SubmitS = Measure.Median(runs.Select(r => r.Submit)),
            TotalS = total,
            PerS = N / total,
            CpuS = Measure.Median(runs.Select(r => r.Cpu)),
            PeakRssMb = Measure.PeakRssMb(),
            LimitPerS = Measure.Median(limits),
            Ratio = Measure.Median(runs.Select((r, i) => N / r.Total / limits[i])),
        };
    }

    private static Task<Run> RunOnceAsync() => Measure.OnStoreAsync("sqlite", NoOp.Handlers, async client =>
    {
        double cpu = Measure.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        BatchHandle<int> batch = await client.StartBatchAsync<int, int>("wait", Enumerable.Range(0, N), new()
        {
            MaxConcurrency = Pool,
        });
        double submit = Stopwatch.GetElapsedTime(start).TotalSeconds;
        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (all[N - 1].Value != N - 1) throw new InvalidOperationException("The results are wrong.");
        return new Run(submit, total, Measure.CpuSeconds() - cpu, 0, []);
    });

    private static async Task<double> LimitAsync()
    {
        long start = Stopwatch.GetTimestamp();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Pool };
        await Parallel.ForEachAsync(Enumerable.Range(0, N), options, async (_, stop) => await Task.Delay(5, stop));
        return N / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
