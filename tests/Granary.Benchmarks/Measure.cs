using System.Diagnostics;
using Granary.Conformance.Stores;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Postgres;
using Granary.Stores;

namespace Granary.Benchmarks;

/// <summary>One run: what it took.</summary>
internal sealed record Run(double Submit, double Total, double Cpu, double Allocated, double[] Latencies);

/// <summary>Runs and medians.</summary>
internal static class Measure
{
    /// <summary>Between runs the heap has less: 64 MiB.</summary>
    private const long NothingHeld = 64 << 20;

    /// <summary>
    /// A warm-up and three counted runs of each, in turn, so that a slow moment of the machine hits both.
    /// </summary>
    public static async Task<(Run[] Runs, double[] Limits)> InTurnAsync(
        Func<Task<Run>> workload, Func<Task<double>> limit)
    {
        var runs = new List<Run>();
        var limits = new List<double>();
        for (int i = 0; i < 4; i++)
        {
            double bound = await limit();
            await CollectAsync();
            Run run = await workload();
            await CollectAsync();
            if (i == 0) continue;
            limits.Add(bound);
            runs.Add(run);
        }
        return ([.. runs], [.. limits]);
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];
    }

    public static double Percentile(double[] values, double percent)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * percent / 100))];
    }

    public static double CpuSeconds() => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;

    public static double PeakRssMb() => Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;

    public static async Task<T> OnStoreAsync<T>(
        string kind, HandlerRegistry handlers, Func<GranaryClient, Task<T>> use)
    {
        string directory = Directory.CreateTempSubdirectory("granary-bench-").FullName;
        try
        {
            await using IJobStore store = await OpenAsync(kind, directory);
            await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, handlers);
            return await use(new GranaryClient(engine));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<IJobStore> OpenAsync(string kind, string directory) => kind switch
    {
        "memory" => new MemoryJobStore(),
        "sqlite" => await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = Path.Combine(directory, "jobs.db") }, default),
        "postgres" => await PostgresJobStore.OpenAsync(new PostgresStoreOptions
        {
            ConnectionString = (await PostgresServer.SharedAsync()).ConnectionString(),
            Schema = PostgresServer.NewSchema(),
        }),
        _ => throw new ArgumentException($"There is no store '{kind}'.", nameof(kind)),
    };

    // Threads that are ending may hold what the last run had for a moment; it is not to count as the next one's.
    private static async Task CollectAsync()
    {
        for (int i = 0; i < 40 && GC.GetTotalMemory(forceFullCollection: true) > NothingHeld; i++)
            await Task.Delay(50);
    }
}
