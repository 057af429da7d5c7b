using Granary.Conformance.Stores;
using Npgsql;

[assembly: Xunit.TestFramework("Granary.Conformance.Stores.PostgresTestFramework", "Granary.Conformance")]

namespace Granary.Postgres.Tests;

/// <summary>Short ways to stores on the server that the tests share.</summary>
internal static class Databases
{
    /// <summary>Opens a store in a schema of the shared server.</summary>
    public static async Task<PostgresJobStore> OpenAsync(
        string schema, Func<PostgresStoreOptions, PostgresStoreOptions>? change = null)
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        return await OpenAsync(server, schema, change);
    }

    /// <summary>Opens a store in a schema of a server.</summary>
    public static Task<PostgresJobStore> OpenAsync(
        PostgresServer server, string schema, Func<PostgresStoreOptions, PostgresStoreOptions>? change = null)
    {
        var options = new PostgresStoreOptions { ConnectionString = server.ConnectionString(), Schema = schema };
        return PostgresJobStore.OpenAsync(change?.Invoke(options) ?? options);
    }

    /// <summary>Runs SQL as the superuser, and returns the first value.</summary>
    public static async Task<object?> AskAsync(this PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
