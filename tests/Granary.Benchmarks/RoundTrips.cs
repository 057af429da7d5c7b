using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>W4: 2,000 batches of one task, one after another; the limit is two commits of plain SQLite, or one of plain
/// PostgreSQL.</summary>
internal static class RoundTrips
{
    private const int N = 2_000;

    public static async Task<Result> RunAsync(string workload, string store)
    {
        (Run[] runs, double[] limits) = await Measure.InTurnAsync(
            () => RunOnceAsync(store),
            async () => store == "postgres"
                ? 1 / await RawPostgres.CommitSecondsAsync(N, rows: 1)
                : 0.5 / RawSqlite.CommitSeconds(N));
        double total = Measure.Median(runs.Select(r => r.Total));
        return new Result
        {
            Workload = workload,
            Store = store,
            N = N,
            Pool = 1,
            TotalS = total,
            PerS = N / total,
            P50Ms = Measure.Median(runs.Select(r => Measure.Percentile(r.Latencies, 50))),
            P99Ms = Measure.Median(runs.Select(r => Measure.Percentile(r.Latencies, 99))),
            CpuS = Measure.Median(runs.Select(r => r.Cpu)),
            PeakRssMb = Measure.PeakRssMb(),
            LimitPerS = Measure.Median(limits),
            // Of medians: how many times the commits of the limit the round trip takes.
            Ratio = Measure.Median(runs.Select((r, i) => Measure.Percentile(r.Latencies, 50) / 1000 * limits[i])),
        };
    }

    private static Task<Run> RunOnceAsync(string store) => Measure.OnStoreAsync(store, NoOp.Handlers, async client =>
    {
        double cpu = Measure.CpuSeconds();
        var latencies = new double[N];
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < N; i++)
        {
            long start = Stopwatch.GetTimestamp();
            BatchHandle<int> batch = await client.StartBatchAsync<int, int>("add", [i], new() { MaxConcurrency = 1 });
            IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
            if (all is not [{ Value: var value }] || value != i + 1)
                throw new InvalidOperationException("The result is wrong.");
            latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        double total = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return new Run(0, total, Measure.CpuSeconds() - cpu, 0, latencies);
    });
}
