using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>
/// W5: 1,000 chains of 10 steps, the result piped, 64 at a time; the limit is a raw log that syncs once, or
/// plain PostgreSQL that commits once, for each round of 64 steps.
/// </summary>
internal static class Chains
{
    private const int N = 1_000;
    private const int Steps = 10;
    private const int Pool = 64;

    public static async Task<Result> RunAsync(string workload, string store)
    {
        (Run[] runs, double[] limits) = await Measure.InTurnAsync(
            () => RunOnceAsync(store),
            async () => store == "postgres"
                ? Pool / await RawPostgres.CommitSecondsAsync(N, rows: Pool)
                : RawLogStepsPerSecond());
        double total = Measure.Median(runs.Select(r => r.Total));
        return new Result
        {
            Workload = workload,
            Store = store,
            N = N * Steps,
            Pool = Pool,
            SubmitS = Measure.Median(runs.Select(r => r.Submit)),
            TotalS = total,
            PerS = N * Steps / total,
            CpuS = Measure.Median(runs.Select(r => r.Cpu)),
            PeakRssMb = Measure.PeakRssMb(),
            LimitPerS = Measure.Median(limits),
            Ratio = Measure.Median(runs.Select((r, i) => N * Steps / r.Total / limits[i])),
        };
    }

    private static Task<Run> RunOnceAsync(string store) => Measure.OnStoreAsync(store, NoOp.Handlers, async client =>
    {
        double cpu = Measure.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        BatchHandle<int> batch = await client.StartBatchAsync<int>(Enumerable.Range(0, N).Select(Item), new()
        {
            MaxConcurrency = Pool,
        });
        double submit = Stopwatch.GetElapsedTime(start).TotalSeconds;
        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (all[N - 1].Value != N - 1 + Steps) throw new InvalidOperationException("The results are wrong.");
        return new Run(submit, total, Measure.CpuSeconds() - cpu, 0, []);
    });

    private static Item Item(int i)
    {
        Chain chain = Chain.Start("add", i);
        for (int step = 1; step < Steps; step++) chain.Then("add");
        return chain.ToItem();
    }

    private static double RawLogStepsPerSecond()
    {
        string path = Path.GetTempFileName();
        try
        {
            using FileStream log = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
            byte[] record = new byte[70 * Pool];
            long start = Stopwatch.GetTimestamp();
            int rounds = N * Steps / Pool;
            for (int i = 0; i < rounds; i++)
            {
                log.Write(record);
                log.Flush(flushToDisk: true);
            }
            return rounds * Pool / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
