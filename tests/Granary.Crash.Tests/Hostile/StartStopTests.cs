using System.Diagnostics;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Hostile;

/// <summary>Tests that measure their own process, and so run when no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

/// <summary>Engines that come and go.</summary>
[Collection(Alone.Name)]
public sealed class StartStopTests(ITestOutputHelper output)
{
    private const int Cycles = 500;
    private const int WarmUp = 30;
    private static readonly TimeSpan s_longestStop = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Five_hundred_engines_leave_no_threads_no_handles_and_no_memory_behind()
    {
        string directory = Settings.MemoryDirectory();
        TimeSpan longest = TimeSpan.Zero;
        (int Threads, int Handles, long Bytes) before = default;
        for (int cycle = 0; cycle < WarmUp + Cycles; cycle++)
        {
            if (cycle == WarmUp) before = Measure();
            TimeSpan stop = await CycleAsync(Path.Combine(directory, "jobs.db"), cycle);
            if (stop > longest) longest = stop;
        }
        (int threads, int handles, long bytes) = Measure();
        Directory.Delete(directory, recursive: true);
        output.WriteLine($"{Cycles} cycles: threads {before.Threads} to {threads}, handles {before.Handles} to " +
            $"{handles}, heap {before.Bytes / 1024} to {bytes / 1024} KiB, " +
            $"longest stop {longest.TotalMilliseconds:0} ms");
        Assert.InRange(threads - before.Threads, -1_000, 8);
        Assert.InRange(handles - before.Handles, -1_000, 8);
        Assert.InRange(bytes - before.Bytes, long.MinValue, 4 << 20);
        Assert.InRange(longest, TimeSpan.Zero, s_longestStop);
    }

    private static async Task<TimeSpan> CycleAsync(string path, int cycle)
    {
        SqliteJobStore store = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = path }, CancellationToken.None);
        EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(null));
        BatchHandle<string> batch = await new GranaryClient(engine).StartBatchAsync<int, string>(
            "work", [1, 2, 3], new BatchOptions { Key = $"cycle {cycle % 20}" });
        await batch.WhenAllAsync();
        long stopping = Stopwatch.GetTimestamp();
        await engine.DisposeAsync();
        await store.DisposeAsync();
        return Stopwatch.GetElapsedTime(stopping);
    }

    private static (int Threads, int Handles, long Bytes) Measure()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using Process self = Process.GetCurrentProcess();
        return (self.Threads.Count, self.HandleCount, GC.GetTotalMemory(forceFullCollection: true));
    }
}
