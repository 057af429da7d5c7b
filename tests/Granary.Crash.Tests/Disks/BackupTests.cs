using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.Disks;

/// <summary>Copies made while jobs run.</summary>
public sealed class BackupTests(ITestOutputHelper output)
{
    private const int Backups = 20;

    [Fact]
    public async Task A_backup_made_while_jobs_run_holds_all_that_was_acknowledged_and_runs_to_its_end()
    {
        using var victim = new Victim();
        int compared = 0;
        using (var diary = new Diary(victim.Diary))
        {
            await using SqliteJobStore store = await SqliteJobStore.OpenAsync(
                new SqliteStoreOptions { Path = victim.Database, CheckpointPages = 64 }, CancellationToken.None);
            await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(diary));
            var granary = new GranaryClient(engine);
            using var ending = new CancellationTokenSource();
            Task load = LoadAsync(granary, ending.Token);
            Task story = new Story(granary, diary, run: 1).TellAsync(large: false);
            for (int i = 0; i < Backups; i++)
            {
                List<Ack> told = victim.Acks;
                compared += told.Count;
                string copy = Path.Combine(victim.Directory, $"copy{i}.db");
                await store.BackupAsync(copy, CancellationToken.None);
                await CheckAsync(copy, told);
            }
            await story;
            await ending.CancelAsync();
            await load;
        }
        output.WriteLine($"{Backups} live backups restored and run to their end; {compared} acknowledgements and " +
            "outcomes compared; 0 problems");
    }

    private static async Task CheckAsync(string copy, List<Ack> told)
    {
        await using SqliteJobStore restored = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = copy }, CancellationToken.None);
        // The copy may be later than what was written down: it may have been steered and retried since.
        IEnumerable<Ack> sure = told.Where(ack => ack.Kind is < AckKind.Resizing or > AckKind.Resumed);
        Ack maybe = new(AckKind.Retrying, "batch", told.Find(ack => ack.Key == "batch")?.Job ?? default);
        Assert.Empty(await Checker.FinishAsync(restored, maybe.Job == default ? [.. sure] : [.. sure, maybe]));
    }

    private static async Task LoadAsync(GranaryClient granary, CancellationToken ending)
    {
        IEnumerable<int> numbers = Enumerable.Range(0, 500);
        while (!ending.IsCancellationRequested)
        {
            BatchHandle<string> batch = await granary.StartBatchAsync<int, string>(
                "work", numbers, cancellation: CancellationToken.None);
            await batch.WhenAllAsync(CancellationToken.None);
        }
    }
}
