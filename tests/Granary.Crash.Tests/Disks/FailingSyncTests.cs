using Granary.Crash.Tests.PowerCuts;
using Granary.Embedded.Sqlite;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Disks;

/// <summary>A sync that fails: nothing more is acknowledged, and the next start knows what was.</summary>
public sealed class FailingSyncTests(ITestOutputHelper output)
{
    private const int Faults = 24;

    [StraceFact]
    public async Task After_a_failed_sync_nothing_is_acknowledged_and_a_restart_recovers()
    {
        int stopped = 0, acks = 0;
        string disks = Settings.MemoryDirectory();
        for (int at = 1; at <= Faults; at++)
        {
            using var victim = new Victim();
            (List<DiskEvent> events, Ending ending) = await Recording.OfAsync(
                victim, "small", "-e", $"inject=fsync:error=EIO:when={at}");
            Assert.True(ending.Code is 0 or 4, $"fault {at}: exit code {ending.Code}: {ending.Error}");
            if (ending.Code == 4) stopped++;

            // The disk of one who lost power right then: what the failed sync should have made safe is not there.
            var disk = new Disk();
            foreach (DiskEvent happened in events) disk.Apply(happened);
            disk.CutPower(disks, Loss.All, new Random(at));
            await CheckAsync(Path.Combine(disks, "jobs.db"), disk.Told, $"fault {at}, power cut");
            await CheckAsync(victim.Database, victim.Acks, $"fault {at}, restart");
            acks += disk.Told.Count;
        }
        Directory.Delete(disks, recursive: true);
        output.WriteLine($"{Faults} failing syncs: {stopped} stopped the process with exit code 4; {acks} " +
            "acknowledgements and outcomes compared; 0 problems");
        Assert.InRange(stopped, Faults / 4, Faults);
    }

    private static async Task CheckAsync(string path, List<Ack> told, string what)
    {
        await using SqliteJobStore store = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = path }, CancellationToken.None);
        List<string> problems = await Checker.FinishAsync(store, told);
        Assert.True(problems.Count == 0, $"{what}: {string.Join("\n", problems)}");
    }
}
