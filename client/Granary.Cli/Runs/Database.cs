using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Postgres;
using Granary.Stores;

namespace Granary.Cli;

/// <summary>An engine on the database of a command, and the store below it.</summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>The database of the command line's <c>--db</c> that lives in memory.</summary>
    public const string Memory = ":memory:";

    private readonly string _path;
    private readonly IDisposable? _export;

    private Database(string path, IJobStore store, IJobEngine engine, IDisposable? export = null) =>
        (_path, Store, Engine, _export) = (path, store, engine, export);

    /// <summary>For messages: the path of a file, or where a server's is, without its password.</summary>
    public string Name => Store is PostgresJobStore postgres ? postgres.Name : _path;

    public IJobStore Store { get; }

    public IJobEngine Engine { get; }

    /// <summary>The engine where it runs tasks; null for reading.</summary>
    public EmbeddedEngine? Running => Engine as EmbeddedEngine;

    /// <summary><c>--db</c>, or GRANARY_DB, or granary.db in the current directory.</summary>
    public static string Resolve(string? option) =>
        option ?? (Environment.GetEnvironmentVariable("GRANARY_DB") is { Length: > 0 } path ? path : "granary.db");

    /// <summary>To run tasks: makes the file if there is none, and goes on with what is unfinished in it.</summary>
    public static async Task<Database> RunAsync(string path, HandlerRegistry handlers, StandardError error,
        CancellationToken cancellation)
    {
        if (path == Memory) error.Say("the database is in memory: nothing of this run is kept");
        IJobStore store = path == Memory ? new MemoryJobStore() : await OpenAsync(path, false, error, cancellation);
        return await StartAsync(path, store, handlers, new EmbeddedOptions { Logging = new ErrorLog(error) },
            cancellation);
    }

    /// <summary>To change jobs without running any: refused while another process owns the file.</summary>
    public static async Task<Database> SteerAsync(string path, StandardError error, CancellationToken cancellation)
    {
        RequireFile(path);
        IJobStore store = await OpenAsync(path, false, error, cancellation);
        var options = new EmbeddedOptions { Passive = true, Logging = new ErrorLog(error) };
        return await StartAsync(path, store, new HandlerRegistry().AddBuiltIns(), options, cancellation);
    }

    /// <summary>To read, also while another process owns the file.</summary>
    public static async Task<Database> ReadAsync(string path, StandardError error, CancellationToken cancellation)
    {
        RequireFile(path);
        IJobStore store = await OpenAsync(path, true, error, cancellation);
        return new Database(path, store, new ReadOnlyEngine(store));
    }

    /// <summary>Whether some process has it open for running tasks.</summary>
    public async Task<bool> IsInUseAsync(CancellationToken cancellation)
    {
        if (Store is PostgresJobStore postgres) return await postgres.FindWriterAsync(cancellation) is not null;
        try
        {
            await using var file = new FileStream(_path + "-lock", FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (IOException e)
        {
            return e is not FileNotFoundException;
        }
    }

    /// <summary>What the store finds wrong with itself, as sentences.</summary>
    public async Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellation) => Store switch
    {
        SqliteJobStore sqlite => await sqlite.CheckAsync(cancellation),
        PostgresJobStore postgres => await postgres.CheckAsync(cancellation),
        _ => [],
    };

    /// <summary>Refuses a database that is not there.</summary>
    public static void RequireFile(string path)
    {
        if (path == Memory)
            throw CliException.BadInput("a database in memory lives only as long as its run", "Give --db FILE.");
        if (PostgresJobStore.IsAddress(path) || File.Exists(path)) return;
        throw new CliException(ExitCode.Store, $"there is no database {path}",
            "Give --db FILE, set GRANARY_DB, or change to the directory that holds granary.db.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Engine is IAsyncDisposable engine) await engine.DisposeAsync();
        await Store.DisposeAsync();
        _export?.Dispose();
    }

    private static async Task<Database> StartAsync(
        string path, IJobStore store, HandlerRegistry handlers, EmbeddedOptions options, CancellationToken cancellation)
    {
        IDisposable? export = OtlpExport.Start();
        try
        {
            EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, handlers, options, cancellation);
            return new Database(path, store, engine, export);
        }
        catch
        {
            await store.DisposeAsync();
            export?.Dispose();
            throw;
        }
    }

    private static async Task<IJobStore> OpenAsync(
        string path, bool readOnly, StandardError error, CancellationToken cancellation)
    {
        if (!PostgresJobStore.IsAddress(path))
        {
            return await SqliteJobStore.OpenAsync(
                new SqliteStoreOptions { Path = path, ReadOnly = readOnly }, cancellation);
        }
        try
        {
            var options = new PostgresStoreOptions
            {
                ConnectionString = path,
                ReadOnly = readOnly,
                Logger = new ErrorLog(error).CreateLogger("Granary.Postgres"),
            };
            return await PostgresJobStore.OpenAsync(options, cancellation);
        }
        catch (ArgumentException e)
        {
            throw CliException.BadInput(e.Message);
        }
    }
}
