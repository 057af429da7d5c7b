using System.Diagnostics;
using System.Text.Json;

namespace Granary.Benchmarks;

/// <summary>
/// W1, W2, W6a: one batch of n tasks that do nothing, pool of 64, from the first submit call until all results are
/// held in order.
/// </summary>
internal static class ManyTasks
{
    private const int Pool = 64;

    private static double s_loopBytes;

    public static async Task<Result> RunAsync(string workload, int n, string store)
    {
        (Run[] runs, double[] limits) = await Measure.InTurnAsync(
            () => RunOnceAsync(n, store), () => LimitAsync(n, store));
        double total = Measure.Median(runs.Select(r => r.Total)), limit = Measure.Median(limits);
        return new Result
        {
            Workload = workload,
            Store = store,
            N = n,
            Pool = Pool,
            SubmitS = Measure.Median(runs.Select(r => r.Submit)),
            TotalS = total,
            PerS = n / total,
            CpuS = Measure.Median(runs.Select(r => r.Cpu)),
            PeakRssMb = Measure.PeakRssMb(),
            LimitPerS = limit,
            Ratio = Measure.Median(runs.Select((r, i) => n / r.Total / limits[i])),
            BytesPerTask = Measure.Median(runs.Select(r => r.Allocated)) / n,
            LimitBytesPerTask = store == "memory" ? s_loopBytes / n : null,
        };
    }

    private static Task<double> LimitAsync(int n, string store) => store switch
    {
        "sqlite" => Task.FromResult(RawSqlite.TasksPerSecond(Math.Min(n, 200_000))),
        "postgres" => RawPostgres.TasksPerSecondAsync(n),
        _ => LoopsPerSecondAsync(n),
    };

    private static Task<Run> RunOnceAsync(int n, string store) =>
        Measure.OnStoreAsync(store, NoOp.Handlers, async client =>
    {
        double cpu = Measure.CpuSeconds();
        long allocated = GC.GetTotalAllocatedBytes(), start = Stopwatch.GetTimestamp();
        BatchHandle<PageResult> batch = await client.StartBatchAsync<PageArgs, PageResult>(
            NoOp.Name, Enumerable.Range(0, n).Select(NoOp.Args), new() { MaxConcurrency = Pool });
        TimeSpan submit = Stopwatch.GetElapsedTime(start);
        IReadOnlyList<TaskOutcome<PageResult>> all = await batch.WhenAllAsync();
        TimeSpan total = Stopwatch.GetElapsedTime(start);
        long bytes = GC.GetTotalAllocatedBytes() - allocated;
        cpu = Measure.CpuSeconds() - cpu;
        if (all.Count != n || all[n - 1].Value!.Id != n - 1)
            throw new InvalidOperationException("The results are wrong.");
        return new Run(submit.TotalSeconds, total.TotalSeconds, cpu, bytes, []);
    });

    // The limit of W2: 64 plain loops over the same JSON.
    private static async Task<double> LoopsPerSecondAsync(int n)
    {
        long allocated = GC.GetTotalAllocatedBytes(), start = Stopwatch.GetTimestamp();
        var args = new byte[n][];
        for (int i = 0; i < n; i++) args[i] = JsonSerializer.SerializeToUtf8Bytes(NoOp.Args(i), GranaryJson.Options);
        var results = new byte[n][];
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, Pool).Select(_ => Task.Run(() =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < n;) results[i] = NoOp.Call(args[i]);
        })));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        s_loopBytes = GC.GetTotalAllocatedBytes() - allocated;
        if (results[n - 1].Length == 0) throw new InvalidOperationException("The results are wrong.");
        return n / seconds;
    }
}
