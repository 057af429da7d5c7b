using System.Collections.Concurrent;
using Granary.Embedded.Sqlite;
using Granary.Stores;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.PowerCuts;

/// <summary>Power cuts, replayed from recordings: what was not synced is there, lost, torn or out of order.</summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Cuts = 5_000;

    [StraceFact]
    public async Task Cut_off_at_any_moment_nothing_acknowledged_is_lost()
    {
        int seed = Settings.Seed;
        Task<Tally>[] recordings =
        [
            CutAsync("small", SyncMode.Full, Cuts * 4 / 10, seed),
            CutAsync("small", SyncMode.Full, Cuts * 4 / 10, seed + 1),
            CutAsync("large", SyncMode.Full, Cuts * 2 / 10, seed + 2),
        ];
        Tally all = Tally.Sum(await Task.WhenAll(recordings));
        output.WriteLine($"seed {seed}: {all}");
        Assert.Empty(all.Problems);
        Assert.Equal(Cuts, all.Cuts);
    }

    [StraceFact]
    public async Task With_synchronous_NORMAL_the_same_test_finds_lost_acknowledgements()
    {
        Tally tally = await CutAsync("small", SyncMode.Normal, 200, Settings.Seed);
        output.WriteLine($"synchronous=NORMAL: {tally}");
        Assert.NotEmpty(tally.Problems);
    }

    private static async Task<Tally> CutAsync(string story, SyncMode synchronous, int cuts, int seed)
    {
        await Task.Yield();
        List<DiskEvent> events = await Recording.OfAsync(story, synchronous);
        var random = new Random(seed);
        var tally = new Tally();
        var disk = new Disk();
        int applied = 0;
        string directory = Settings.MemoryDirectory();
        int[] moments = [.. Enumerable.Range(0, cuts).Select(_ => random.Next(events.Count + 1)).Order()];
        foreach (int moment in moments)
        {
            while (applied < moment) disk.Apply(events[applied++]);
            var loss = (Loss)random.Next((int)Loss.None, (int)Loss.Pages + 1);
            disk.CutPower(directory, loss, random);
            await tally.AddAsync(directory, disk.Told, $"{story}, seed {seed}, {loss} at {moment} of {events.Count}");
        }
        Directory.Delete(directory, recursive: true);
        return tally;
    }

    private sealed class Tally
    {
        /// <summary>After so many cuts, an engine also finishes what is left.</summary>
        private const int FinishEach = 20;

        public int Cuts { get; private set; }

        public int Finished { get; private set; }

        public int Unmade { get; private set; }

        public long Compared { get; private set; }

        public ConcurrentBag<string> Problems { get; } = [];

        public static Tally Sum(IEnumerable<Tally> tallies)
        {
            var sum = new Tally();
            foreach (Tally tally in tallies)
            {
                sum.Cuts += tally.Cuts;
                sum.Finished += tally.Finished;
                sum.Unmade += tally.Unmade;
                sum.Compared += tally.Compared;
                foreach (string problem in tally.Problems) sum.Problems.Add(problem);
            }
            return sum;
        }

        public async Task AddAsync(string directory, List<Ack> told, string what)
        {
            Cuts++;
            Compared += told.Count;
            try
            {
                var options = new SqliteStoreOptions { Path = Path.Combine(directory, "jobs.db") };
                await using SqliteJobStore store = await SqliteJobStore.OpenAsync(options, CancellationToken.None);
                bool finish = Cuts % FinishEach == 0;
                if (finish) Finished++;
                List<string> problems = finish
                    ? await Checker.FinishAsync(store, told)
                    : await Checker.LookAsync(store, told);
                foreach (string problem in problems) Problems.Add($"{what}: {problem}");
            }
            catch (StoreException) when (told.Count == 0)
            {
                // Cut off while the file was made: it holds nothing yet, and is refused as no database.
                Unmade++;
            }
            catch (StoreException broken)
            {
                Problems.Add($"{what}: {broken.Message}");
            }
        }

        public override string ToString() => $"{Cuts} cuts, {Finished} of them finished by an engine, " +
            $"{Unmade} left a file that was not made yet, " +
            $"{Compared} acknowledgements and outcomes compared, {Problems.Count} problems";
    }
}
