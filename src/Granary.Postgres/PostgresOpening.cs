using Granary.Stores;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Granary.Postgres;

/// <summary>Opens a store: makes its connections, checks the server, and makes or checks the tables.</summary>
internal static partial class PostgresOpening
{
    /// <summary>PostgreSQL 13, whose SQL the store keeps to; it is tested on 15.</summary>
    private const int OldestServer = 130_000;

    private const int ReadOnlyTransactions = 1;

    /// <summary>The session of the writer, and one that is being opened in its place.</summary>
    private const int OfTheWriter = 2;

    // What the server or the role may have set otherwise, and what correctness or speed rests on. Those the server
    // does not know are left out.
    private const string SessionSettings = """
        SELECT set_config(name, wanted, false)
        FROM (VALUES
          ('synchronous_commit', 'on'), ('default_transaction_isolation', 'read committed'),
          ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('statement_timeout', '0'),
          ('transaction_timeout', '0'), ('lock_timeout', '0'), ('jit', 'off'),
          ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
        ) AS session (name, wanted)
        JOIN pg_settings USING (name)
        WHERE name <> 'synchronous_commit' OR setting IN ('off', 'local')
        """;

    /// <summary>The connections of a store, how many of them may read at once, and its name.</summary>
    /// <exception cref="ArgumentException">The options cannot be read.</exception>
    public static (NpgsqlDataSource Source, int Readers, Place Place) Connect(PostgresStoreOptions options)
    {
        if (options.MaxReaders is < 1 or > 1_000)
            throw new ArgumentException($"MaxReaders is {options.MaxReaders}; set it to 1 to 1,000.", nameof(options));
        (NpgsqlConnectionStringBuilder address, string? named) = ConnectionAddress.Parse(options.ConnectionString);
        string schema = named ?? options.Schema;
        Place.CheckSchema(schema);
        SetDefaults(address, options);
        var builder = new NpgsqlDataSourceBuilder(address.ConnectionString);
        builder.UsePhysicalConnectionInitializer(Set, SetAsync);
        options.Configure?.Invoke(builder);
        string host = address.Host is { Length: > 0 } name ? name : "localhost";
        int readers = Math.Min(options.MaxReaders, address.MaxPoolSize - OfTheWriter);
        return (builder.Build(), readers, new Place(schema, host, address.Database, address.Username));
    }

    /// <summary>Checks the server and the tables, and makes what is missing.</summary>
    public static async Task PrepareAsync(
        NpgsqlDataSource source, Place place, PostgresStoreOptions options, CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        await CheckServerAsync(connection, place, options, cancellation);
        if (options.ReadOnly || !options.Migrate) await Schema.AssertAsync(connection, place, cancellation);
        else await Schema.MigrateAsync(connection, place, cancellation);
    }

    private static void SetDefaults(NpgsqlConnectionStringBuilder address, PostgresStoreOptions options)
    {
        if (!address.ShouldSerialize("Maximum Pool Size")) address.MaxPoolSize = options.MaxReaders + OfTheWriter;
        if (address.MaxPoolSize <= OfTheWriter)
        {
            throw new ArgumentException($"Maximum Pool Size is {address.MaxPoolSize}; {OfTheWriter} connections are " +
                $"the writer's, so set it to {OfTheWriter + 1} or more.", nameof(options));
        }
        if (!address.ShouldSerialize("Max Auto Prepare")) address.MaxAutoPrepare = 32;
        if (!address.ShouldSerialize("Auto Prepare Min Usages")) address.AutoPrepareMinUsages = 2;
        if (!address.ShouldSerialize("Application Name")) address.ApplicationName = "granary";
        // A host that went away is noticed. A socket in the file system, whose path begins with /, has no such option.
        bool isLocal = address.Host?.Split(',').Any(static host => host.StartsWith('/')) ?? false;
        if (!isLocal && !address.ShouldSerialize("Tcp Keepalive"))
            (address.TcpKeepAlive, address.TcpKeepAliveTime, address.TcpKeepAliveInterval) = (true, 10, 5);
        // Nothing is set on a connection that would have to be reset.
        address.NoResetOnClose = true;
        address.Enlist = false;
    }

    private static async Task CheckServerAsync(
        NpgsqlConnection connection, Place place, PostgresStoreOptions options, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = """
            SELECT current_setting('server_version_num')::integer, current_setting('transaction_read_only') = 'on',
              current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')
            """;
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        if (row.GetInt32(0) < OldestServer)
        {
            throw new StoreException(StoreFault.NotAStore, $"The server of {place} is PostgreSQL " +
                $"{row.GetInt32(0) / 10_000}; Granary needs {OldestServer / 10_000} or newer.");
        }
        if (options.ReadOnly) return;
        if (row.GetBoolean(ReadOnlyTransactions))
        {
            throw new StoreException(StoreFault.ReadOnly, $"The server of {place} can only be read: it is a standby, " +
                "or was set to read only. Connect to the primary, or open the store for reading only.");
        }
        string[] names = ["fsync", "full_page_writes", "synchronous_commit"];
        for (int i = 0; i < names.Length; i++) CheckSetting(place, options, names[i], row.GetString(2 + i));
    }

    private static void CheckSetting(Place place, PostgresStoreOptions options, string name, string value)
    {
        if (value is not ("off" or "local")) return;
        if (options.AllowUnsafeDurability)
        {
            LogUnsafe(options.Logger, place, name, value);
            return;
        }
        throw new StoreException(StoreFault.Unavailable, $"The server of {place} runs with {name} = {value}, so a " +
            $"power cut can lose jobs that were acknowledged. Set {name} = on in postgresql.conf and reload, or " +
            "allow it with AllowUnsafeDurability.");
    }

    private static void Set(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(SessionSettings, connection);
        command.ExecuteNonQuery();
    }

    private static async Task SetAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(SessionSettings, connection);
        await command.ExecuteNonQueryAsync();
    }

    [LoggerMessage(1, LogLevel.Warning, "The server of {Place} runs with {Setting} = {Value}: a power cut can lose " +
        "jobs that were acknowledged. Set it to on in postgresql.conf.")]
    private static partial void LogUnsafe(ILogger logger, Place place, string setting, string value);
}
