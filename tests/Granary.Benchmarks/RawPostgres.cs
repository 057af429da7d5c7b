using System.Diagnostics;
using System.Text.Json;
using Granary.Conformance.Stores;
using Npgsql;

namespace Granary.Benchmarks;

/// <summary>What plain PostgreSQL does on this machine: the limits of the workloads on it.</summary>
internal static class RawPostgres
{
    private const int RowsAtOnce = 1_000;

    /// <summary>One row for the arguments and one for the result of each task, commits of 1,000.</summary>
    public static Task<double> TasksPerSecondAsync(int n) => WithAsync(async connection =>
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < n; i += RowsAtOnce)
        {
            await InsertAsync(connection, "args", i, Math.Min(RowsAtOnce, n - i), static i =>
                JsonSerializer.SerializeToUtf8Bytes(NoOp.Args(i), GranaryJson.Options));
            await InsertAsync(connection, "results", i, Math.Min(RowsAtOnce, n - i), static i =>
                JsonSerializer.SerializeToUtf8Bytes(NoOp.Answer(NoOp.Args(i)), GranaryJson.Options));
        }
        return n / Stopwatch.GetElapsedTime(start).TotalSeconds;
    });

    /// <summary>The time of a commit of so many rows, in seconds: the median of n.</summary>
    public static Task<double> CommitSecondsAsync(int n, int rows) => WithAsync(connection =>
    {
        byte[] row = JsonSerializer.SerializeToUtf8Bytes(NoOp.Args(1), GranaryJson.Options);
        var times = new double[n];
        using NpgsqlCommand insert = Insert(connection, "args");
        insert.Prepare();
        for (int i = 0; i < n; i++)
        {
            long start = Stopwatch.GetTimestamp();
            ((NpgsqlParameter<int[]>)insert.Parameters[0]).TypedValue = [.. Enumerable.Range(i * rows, rows)];
            ((NpgsqlParameter<byte[][]>)insert.Parameters[1]).TypedValue = [.. Enumerable.Repeat(row, rows)];
            insert.ExecuteNonQuery();
            times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return Task.FromResult(Measure.Median(times));
    });

    private static async Task InsertAsync(
        NpgsqlConnection connection, string table, int from, int count, Func<int, byte[]> row)
    {
        await using NpgsqlCommand insert = Insert(connection, table);
        ((NpgsqlParameter<int[]>)insert.Parameters[0]).TypedValue = [.. Enumerable.Range(from, count)];
        ((NpgsqlParameter<byte[][]>)insert.Parameters[1]).TypedValue =
            [.. Enumerable.Range(from, count).Select(row)];
        await insert.ExecuteNonQueryAsync();
    }

    private static NpgsqlCommand Insert(NpgsqlConnection connection, string table)
    {
        NpgsqlCommand insert = connection.CreateCommand();
#pragma warning disable CA2100 // The table's name is a constant of this file.
        insert.CommandText = $"INSERT INTO {table} (id, json) SELECT * FROM unnest($1, $2)";
#pragma warning restore CA2100
        insert.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [] });
        insert.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [] });
        return insert;
    }

    private static async Task<double> WithAsync(Func<NpgsqlConnection, Task<double>> use)
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await using var connection = new NpgsqlConnection(
            $"{server.ConnectionString()};Search Path={schema};Max Auto Prepare=8;Auto Prepare Min Usages=2");
        await connection.OpenAsync();
        await using NpgsqlCommand setup = connection.CreateCommand();
#pragma warning disable CA2100 // The schema's name is the fixture's own.
        setup.CommandText = $"""
            CREATE SCHEMA {schema};
            CREATE TABLE {schema}.args (id integer PRIMARY KEY, json bytea);
            CREATE TABLE {schema}.results (id integer PRIMARY KEY, json bytea);
            """;
#pragma warning restore CA2100
        await setup.ExecuteNonQueryAsync();
        return await use(connection);
    }
}
