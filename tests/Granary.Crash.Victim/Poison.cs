using System.Runtime.CompilerServices;
using Granary.Embedded;
using Granary.Embedded.Sqlite;

namespace Granary.Crash;

/// <summary>A batch in which some tasks take the whole process down, in ways that no handler can catch.</summary>
public static class Poison
{
    public const int Tasks = 200;

    public const int MaxInterruptions = 2;

    /// <summary>How the task ends the process; null for a good one.</summary>
    public static string? Kind(int index) => index switch
    {
        40 => "overflow",
        100 => "failfast",
        101 => "exit",
        130 => "memory",
        160 => "kill",
        _ => null,
    };

    public static BatchOptions Options { get; } = new()
    {
        Key = "poison", MaxConcurrency = 4, Defaults = new TaskOptions { MaxInterruptions = MaxInterruptions },
    };

    public static IEnumerable<Item> Items => Enumerable.Range(0, Tasks).Select(i => Item.Task("task", i));

    public static HandlerRegistry Handlers(string starts) => new HandlerRegistry()
        .Handle<int, int>("task", (index, _) =>
        {
            if (Kind(index) is not { } kind) return index;
            lock (Options) File.AppendAllText(starts, $"{index}\n");
            Die(kind);
            return -1;
        });

    internal static async Task<int> RunAsync(SqliteStoreOptions options)
    {
        await using SqliteJobStore store = await SqliteJobStore.OpenAsync(options, CancellationToken.None);
        await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Handlers(options.Path + "-starts"));
        BatchHandle<int> batch = await new GranaryClient(engine).StartBatchAsync<int>(Items, Options);
        await batch.WhenAllAsync();
        return 0;
    }

    private static void Die(string kind)
    {
        switch (kind)
        {
            case "overflow":
                Overflow(1);
                break;
            case "failfast":
                Environment.FailFast("poison");
                break;
            case "exit":
                Environment.Exit(7);
                break;
            case "memory":
                Exhaust();
                break;
            default:
                // As the out-of-memory killer strikes: without a word.
                System.Diagnostics.Process.GetCurrentProcess().Kill();
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static int Overflow(int depth) => Overflow(depth + 1) + 1;

    private static void Exhaust()
    {
        var all = new List<byte[]>();
        while (true) all.Add(new byte[1 << 20]);
    }
}
