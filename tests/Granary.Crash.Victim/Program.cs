using System.Globalization;
using Granary.Embedded;
using Granary.Embedded.Sqlite;

namespace Granary.Crash;

/// <summary>A process that is there to be killed.</summary>
internal static class Program
{
    /// <summary>0: told to the end. 4: the store broke.</summary>
    public static async Task<int> Main(string[] args)
    {
        var options = new SqliteStoreOptions
        {
            Path = args[1],
            Synchronous = Enum.Parse<SyncMode>(args[4]),
            CheckpointPages = int.Parse(args[5], CultureInfo.InvariantCulture),
        };
        int run = int.Parse(args[3], CultureInfo.InvariantCulture);
        using var diary = new Diary(args[2]);
        try
        {
            return args[0] switch
            {
                "poison" => await Poison.RunAsync(options),
                _ => await TellAsync(options, diary, run, large: args[0] == "large"),
            };
        }
        catch (Stores.StoreException broken)
        {
            await Console.Error.WriteLineAsync(broken.Message);
            return 4;
        }
    }

    private static async Task<int> TellAsync(SqliteStoreOptions options, Diary diary, int run, bool large)
    {
        await using (SqliteJobStore store = await SqliteJobStore.OpenAsync(options, CancellationToken.None))
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(diary)))
            await new Story(new GranaryClient(engine), diary, run).TellAsync(large);

        await using (SqliteJobStore store = await SqliteJobStore.OpenAsync(options, CancellationToken.None))
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(diary)))
            await new Story(new GranaryClient(engine), diary, run).TellAgainAsync(large);
        return 0;
    }
}
