using System.Diagnostics;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Embedded.Tests.Stores;
using Granary.Engines;
using Granary.Stores;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Disks;

/// <summary>Disks without room, and disks that may only be read.</summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const int Rounds = 5;
    private const int Tasks = 10_000;
    private static readonly TimeSpan s_recovery = TimeSpan.FromSeconds(10);

    [SmallDiskFact]
    public async Task A_disk_that_fills_up_during_a_batch_loses_nothing_and_the_batch_goes_on_when_there_is_room()
    {
        TimeSpan longest = TimeSpan.Zero;
        int shown = 0;
        for (int round = 1; round <= Rounds; round++)
        {
            using SmallDisk disk = SmallDisk.TryMount(8)!;
            // Each round, the disk is full at another moment.
            string ballast = Path.Combine(disk.Path, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[(8 << 20) - (round * 700_000) - 200_000]);
            (int before, TimeSpan recovery) = await FillAsync(Path.Combine(disk.Path, "jobs.db"), ballast);
            shown += before;
            if (recovery > longest) longest = recovery;
        }
        output.WriteLine($"{Rounds} disks filled during a batch of {Tasks}: {shown} outcomes shown before, all there " +
            $"after; all went on within {longest.TotalSeconds:0.0} s after room was made");
        Assert.InRange(longest, TimeSpan.Zero, s_recovery);
    }

    private static async Task<(int Shown, TimeSpan Recovery)> FillAsync(string path, string ballast)
    {
        await using SqliteJobStore store = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = path, CheckpointPages = 64 }, CancellationToken.None);
        await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, new HandlerRegistry()
            .Handle<int, string>("fill", (number, _) => new string((char)('a' + (number % 26)), 400)));
        var granary = new GranaryClient(engine);
        BatchHandle<string> batch = await granary.StartBatchAsync<int, string>(
            "fill", Enumerable.Range(0, Tasks), new BatchOptions { MaxConcurrency = 16 });
        var shown = new List<string>();
        while (engine.Blocked != StoreFault.Full)
        {
            Assert.False(engine.Completion.IsCompleted, "The engine has stopped.");
            BatchWait<string> wait = await batch.WaitAsync(timeout: TimeSpan.FromMilliseconds(20));
            Assert.NotEmpty(wait.Pending);
        }
        foreach (Outcome outcome in (await engine.ReadCompletionsAsync(batch.Id, 0, Tasks, TimeSpan.Zero)).Outcomes)
            shown.Add(Ack.Render(outcome));

        // Reading goes on, and tells what is on the disk.
        JobStatus status = await batch.StatusAsync().WaitAsync(s_recovery);
        Assert.Equal(shown.Count, status.CompletionCount);
        Assert.Equal(shown.Count, (await batch.WaitAsync(timeout: TimeSpan.Zero).WaitAsync(s_recovery)).Done.Count);
        Assert.NotEmpty(await engine.ListPendingAsync(batch.Id, -1, 10).WaitAsync(s_recovery));

        // Steering is not acknowledged, and whoever asks may stop waiting.
        using var enough = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch.PauseAsync(enough.Token));
        Task resuming = batch.ResumeAsync();

        // What is asked for now is not answered, since it cannot be kept.
        Task refused = granary.StartBatchAsync<int, string>("fill", [1], new BatchOptions { Key = "waits" });
        await Task.WhenAny(refused, Task.Delay(200));
        bool acknowledged = refused.IsCompletedSuccessfully && engine.Blocked == StoreFault.Full;
        Assert.False(acknowledged, "Acknowledged on a full disk.");

        long roomMade = Stopwatch.GetTimestamp();
        File.Delete(ballast);
        await Task.WhenAll(refused, IgnoreEndedAsync(resuming)).WaitAsync(s_recovery);
        TimeSpan recovery = Stopwatch.GetElapsedTime(roomMade);
        Assert.All(await batch.WhenAllAsync(), (outcome, i) => Assert.Equal(400, outcome.Value.Length));
        var log = new List<Outcome>();
        while (log.Count < Tasks)
            log.AddRange((await engine.ReadCompletionsAsync(batch.Id, log.Count, 1_000, TimeSpan.Zero)).Outcomes);
        Assert.Equal(shown, log.Take(shown.Count).Select(Ack.Render));
        Assert.Empty(await store.CheckAsync(CancellationToken.None));
        return (shown.Count, recovery);
    }

    // It may have come to its end in memory when the pause came.
    private static async Task IgnoreEndedAsync(Task command)
    {
        try
        {
            await command;
        }
        catch (RefusedException refused) when (refused.Refusal == Refusal.Ended)
        {
            // Nothing was left to resume.
        }
    }

    [SmallDiskFact]
    public async Task On_a_read_only_disk_the_command_says_so_and_exits_with_code_4_within_two_seconds()
    {
        using SmallDisk disk = SmallDisk.TryMount(8)!;
        string path = Path.Combine(disk.Path, "jobs.db");
        Ending made = await CommandAsync("run", "--task", "echo", "--args", "1", "--db", path);
        Assert.True(made.Code == 0, made.Error);
        disk.MakeReadOnly();

        // The best of three, and beyond what any command takes: the machine may be busy.
        var times = new List<TimeSpan>();
        var usual = new List<TimeSpan>();
        for (int i = 0; i < 3; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Ending refused = await CommandAsync("run", "--task", "echo", "--args", "2", "--db", path);
            times.Add(Stopwatch.GetElapsedTime(start));
            Assert.Equal(4, refused.Code);
            Assert.Contains($"'{path}'", refused.Error, StringComparison.Ordinal);
            Assert.Contains("cannot be written", refused.Error, StringComparison.Ordinal);
            start = Stopwatch.GetTimestamp();
            Assert.Equal(0, (await CommandAsync("ls", "--db", path)).Code);
            usual.Add(Stopwatch.GetElapsedTime(start));
        }
        output.WriteLine($"read-only: exit code 4 after {times.Min().TotalSeconds:0.0} s; ls works");
        Assert.InRange(times.Min(), TimeSpan.Zero, usual.Min() + TimeSpan.FromSeconds(2));
    }

    private static async Task<Ending> CommandAsync(params string[] arguments)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        string program = Path.Combine(AppContext.BaseDirectory, "granary.dll");
        var start = new ProcessStartInfo(dotnet, [program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return new Ending(process.ExitCode, error);
    }
}
