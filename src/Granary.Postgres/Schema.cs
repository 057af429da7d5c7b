using System.Globalization;
using Granary.Stores;
using Npgsql;

namespace Granary.Postgres;

/// <summary>The tables and functions, and how a schema is known to hold them.</summary>
internal static class Schema
{
    // Each script raises the version by one; a schema is of the version of the last script that ran on it. {s} stands
    // for the schema's name. A script must leave the functions callable that the version before it calls, so that
    // processes of both can run side by side while they are replaced.
    private static readonly string[] s_migrations = [SchemaScripts.Version1];

    /// <summary>The version this program writes.</summary>
    public static int Version => s_migrations.Length;

    /// <summary>Makes the tables in an empty schema, or brings an older one up to date. From many processes at once:
    /// one does it, and the others wait for it.</summary>
    /// <exception cref="StoreException">The schema is newer, or something else's.</exception>
    public static async Task MigrateAsync(NpgsqlConnection connection, Place place, CancellationToken cancellation)
    {
        if (await ReadAsync(connection, place, cancellation) == Version) return;
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({Locks.Migrating}, {place.Lock})", cancellation);
        try
        {
            int version = await ReadAsync(connection, place, cancellation);
            if (version == Version) return;
            // Not IF NOT EXISTS, which asks for the right to make schemas even where there is nothing to make.
            bool isMade = await QueryAsync(
                connection, $"SELECT to_regnamespace('{place.Quoted}')::text", cancellation) is string;
            IEnumerable<string> scripts = s_migrations.Skip(version)
                .Prepend(isMade ? "" : "CREATE SCHEMA {s}")
                .Append($"UPDATE {{s}}.store SET version = {Version.ToString(CultureInfo.InvariantCulture)}");
            // A script without parameters is one round trip and one transaction.
            await ExecuteAsync(connection,
                "BEGIN;" + string.Join(";", scripts).Replace("{s}", place.Quoted, StringComparison.Ordinal) + ";COMMIT",
                cancellation);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.DuplicateTable
            or PostgresErrorCodes.DuplicateFunction)
        {
            throw NotAStore(place, error);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StoreException(StoreFault.ReadOnly, $"{place} has to be made or brought up to date, and " +
                $"{place.Role} may not: {error.MessageText}. Open it once as a role that may, for example the " +
                $"database's owner, or GRANT CREATE ON DATABASE … TO {place.Role}.", error);
        }
        finally
        {
            if (connection.FullState == System.Data.ConnectionState.Open)
                await UnlockAsync(connection, place);
        }
    }

    /// <summary>Refuses a schema that cannot be used as it is.</summary>
    /// <exception cref="StoreException">The schema is newer, older, missing, or something else's.</exception>
    public static async Task AssertAsync(NpgsqlConnection connection, Place place, CancellationToken cancellation)
    {
        int version = await ReadAsync(connection, place, cancellation);
        if (version == Version) return;
        throw version == 0
            ? new StoreException(StoreFault.Missing, $"There is no store in {place}. Open it once for writing, " +
                "with Migrate left on; that makes it. Or check the name of the schema.")
            : new StoreException(StoreFault.ReadOnly, $"{place} is of version {version}, and this Granary uses " +
                $"version {Version}. Open it once for writing, with Migrate left on; that brings it up to date.");
    }

    // 0 where there is no store yet.
    private static async Task<int> ReadAsync(NpgsqlConnection connection, Place place, CancellationToken cancellation)
    {
        object? found = await QueryAsync(connection, $"SELECT to_regclass('{place.Quoted}.store')::text", cancellation);
        if (found is not string) return 0;
        int version = await ReadVersionAsync(connection, place, cancellation);
        return version <= Version
            ? version
            : throw new StoreException(StoreFault.Newer, $"{place} was written by a newer Granary (version {version} " +
                $"of the tables; this one knows up to {Version}). Use that one; nothing was changed.");
    }

    private static async Task<int> ReadVersionAsync(
        NpgsqlConnection connection, Place place, CancellationToken cancellation)
    {
        try
        {
            object? found =
                await QueryAsync(connection, $"SELECT version FROM {place.Quoted}.store", cancellation);
            return found is int version ? version : throw NotAStore(place, null);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedColumn)
        {
            throw NotAStore(place, error);
        }
    }

    private static StoreException NotAStore(Place place, Exception? inner) => new(StoreFault.NotAStore,
        $"{place} holds tables of something else. Choose another schema; nothing was changed.", inner);

    private static async Task UnlockAsync(NpgsqlConnection connection, Place place)
    {
        // A script that failed has left its transaction open.
        await ExecuteAsync(connection, "ROLLBACK", CancellationToken.None);
        await ExecuteAsync(
            connection, $"SELECT pg_advisory_unlock({Locks.Migrating}, {place.Lock})", CancellationToken.None);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = Command(connection, sql);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<object?> QueryAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = Command(connection, sql);
        return await command.ExecuteScalarAsync(cancellation);
    }

    // Others may take long: bringing a large store up to date is not cut off.
    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql)
    {
        NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Scripts of this file; the schema's name was checked.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.CommandTimeout = 0;
        return command;
    }
}
