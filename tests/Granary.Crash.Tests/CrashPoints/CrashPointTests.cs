using System.Collections.Concurrent;
using Granary.Embedded.Sqlite;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.CrashPoints;

/// <summary>The real process, killed at the n-th write or sync.</summary>
public sealed class CrashPointTests(ITestOutputHelper output)
{
    private const int AtOnce = 2;

    /// <summary>Where kills strike: the story, the files that are watched, the calls that are counted, and how many of
    /// those a run makes on its busiest thread.</summary>
    private static readonly (string Story, string[] Files, string Calls, int Most)[] s_places =
    [
        ("small", ["db", "log"], "write,fsync,ftruncate,unlink", 220),
        ("small", ["log"], "fsync", 26),
        ("small", ["db"], "write,fsync", 40),
        ("small", ["db", "log", "directory"], "write,fsync,ftruncate,unlink", 220),
        ("large", ["db", "log"], "write,fsync,ftruncate,unlink", 3_000),
        ("large", ["db"], "write,fsync", 1_200),
    ];

    [StraceFact]
    public async Task Killed_at_any_write_or_sync_nothing_acknowledged_is_lost()
    {
        var problems = new ConcurrentBag<string>();
        int kills = 0, histories = 0, again = 0, acks = 0;
        var bounds = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(0, AtOnce), bounds, async (_, _) =>
        {
            while (Volatile.Read(ref kills) < Settings.CrashPoints)
            {
                int history = Interlocked.Increment(ref histories);
                Assert.True(history <= (2 * Settings.CrashPoints) + 10, $"Only {kills} of {history} were killed.");
                using var victim = new Victim();
                int killed = await KillAsync(victim, new Random((Settings.Seed * 1_000_003) + history));
                Interlocked.Add(ref kills, killed);
                Interlocked.Add(ref again, Math.Max(0, killed - 1));
                Interlocked.Add(ref acks, victim.Acks.Count);
                await using SqliteJobStore store = await victim.OpenAsync();
                foreach (string problem in await Checker.FinishAsync(store, victim.Acks))
                    problems.Add($"history {history} of seed {Settings.Seed}: {problem}");
            }
        });
        output.WriteLine($"{kills} kills in {histories} histories, {again} of them of one that had been killed " +
            $"before; {acks} acknowledgements and outcomes compared; {problems.Count} problems");
        Assert.Empty(problems);
    }

    // One to three kills over the same files; returns how many struck.
    private static async Task<int> KillAsync(Victim victim, Random random)
    {
        int killed = 0;
        (string story, string[] files, string calls, int most) = s_places[random.Next(s_places.Length)];
        int rounds = 1 + (random.Next(3) == 0 ? 1 + random.Next(2) : 0);
        for (int round = 0; round < rounds; round++)
        {
            int at = 1 + random.Next(round == 0 ? most : Math.Min(most, 60));
            Ending ending = await victim.RunAsync(
                story, [.. files.SelectMany(file => Watch(victim, file)), "-e", $"trace={calls}",
                "-e", $"inject={calls}:signal=SIGKILL:when={at}", "-o", "/dev/null"]);
            if (ending.Code == Ending.Killed) killed++;
            else Assert.True(ending.Code == 0, $"exit code {ending.Code}: {ending.Error}");
        }
        return killed;
    }

    private static string[] Watch(Victim victim, string file) => ["-P", file switch
    {
        "db" => victim.Database,
        "log" => victim.Log,
        _ => victim.Directory,
    }];
}
