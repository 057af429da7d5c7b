using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Granary.Benchmarks;

/// <summary>What plain SQLite does on this disk: the limits of the durable workloads.</summary>
internal static class RawSqlite
{
    /// <summary>One row for the arguments and one for the result of each task, commits of 1,000, WAL, FULL.</summary>
    public static double TasksPerSecond(int n) => With(connection =>
    {
        long start = Stopwatch.GetTimestamp();
        Insert(connection, "args", n, i => JsonSerializer.SerializeToUtf8Bytes(NoOp.Args(i), GranaryJson.Options));
        Insert(connection, "results", n, i =>
            JsonSerializer.SerializeToUtf8Bytes(NoOp.Answer(NoOp.Args(i)), GranaryJson.Options));
        return n / Stopwatch.GetElapsedTime(start).TotalSeconds;
    });

    /// <summary>The time of a commit of one row, in seconds: the median of many.</summary>
    public static double CommitSeconds(int n) => With(connection =>
    {
        byte[] row = JsonSerializer.SerializeToUtf8Bytes(NoOp.Args(1), GranaryJson.Options);
        var times = new double[n];
        using SqliteCommand insert = Prepare(connection, "args");
        for (int i = 0; i < n; i++)
        {
            long start = Stopwatch.GetTimestamp();
            insert.Parameters[0].Value = i;
            insert.Parameters[1].Value = row;
            insert.ExecuteNonQuery();
            times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return Measure.Median(times);
    });

    private static void Insert(SqliteConnection connection, string table, int n, Func<int, byte[]> row)
    {
        using SqliteCommand insert = Prepare(connection, table);
        for (int i = 0; i < n;)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            insert.Transaction = transaction;
            for (int end = Math.Min(n, i + 1000); i < end; i++)
            {
                insert.Parameters[0].Value = i;
                insert.Parameters[1].Value = row(i);
                insert.ExecuteNonQuery();
            }
            transaction.Commit();
        }
    }

    private static SqliteCommand Prepare(SqliteConnection connection, string table)
    {
        SqliteCommand insert = connection.CreateCommand();
#pragma warning disable CA2100 // The table's name is a constant of this file.
        insert.CommandText = $"INSERT INTO {table} (id, json) VALUES ($id, $json)";
#pragma warning restore CA2100
        insert.Parameters.Add("$id", SqliteType.Integer);
        insert.Parameters.Add("$json", SqliteType.Blob);
        insert.Prepare();
        return insert;
    }

    private static double With(Func<SqliteConnection, double> use)
    {
        SQLitePCL.Batteries_V2.Init();
        string directory = Directory.CreateTempSubdirectory("granary-raw-").FullName;
        try
        {
            using var connection =
                new SqliteConnection($"Data Source={Path.Combine(directory, "raw.db")};Pooling=False");
            connection.Open();
            using SqliteCommand setup = connection.CreateCommand();
            setup.CommandText = """
                PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
                CREATE TABLE args (id INTEGER PRIMARY KEY, json BLOB);
                CREATE TABLE results (id INTEGER PRIMARY KEY, json BLOB);
                """;
            setup.ExecuteNonQuery();
            return use(connection);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
