using System.Data;
using Granary.Engines;
using Granary.Stores;
using Npgsql;

namespace Granary.Postgres;

/// <summary>What is asked of the tables, each question in one round trip on a connection of the pool.</summary>
internal sealed class PostgresReader(NpgsqlDataSource source, Place place, int maxConnections)
{
    private const string JobColumns = "id, epoch, phase, header, summary";
    private const string Raise = "UPDATE {s}.jobs SET epoch = epoch + 1 WHERE id = $1 AND phase <> 1";

    private readonly SemaphoreSlim _connections = new(maxConnections);

    public Task<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) =>
        FirstAsync($"{Raise} RETURNING {JobColumns}", Job, cancellation, Number(job.Value));

    public Task<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) =>
        FirstAsync($"SELECT {JobColumns} FROM {{s}}.jobs WHERE id = $1 AND phase <> 1",
            Job, cancellation, Number(job.Value));

    public async Task<JobId?> FindAsync(string key, CancellationToken cancellation)
    {
        byte[] bytes = WriteColumns.KeyBytes(key);
        (JobId Job, byte[]? Key) found = await FirstAsync("SELECT id, key FROM {s}.jobs WHERE key = $1",
            static row => (Id(row), (byte[]?)Blob(row, 1)), cancellation,
            new NpgsqlParameter<byte[]> { TypedValue = bytes });
        // An index bears no checksum: the row itself must have the key, too.
        if (found.Key is null) return null;
        return bytes.AsSpan().SequenceEqual(found.Key) ? found.Job : throw PostgresFaults.Damaged(place);
    }

    public Task<List<StoredPage>> PagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        AllAsync(Rows(withArgs ? "shape, args" : "shape, ''::bytea", "pages"),
            static row => new StoredPage(row.GetInt32(0), Blob(row, 1), Blob(row, 2)), cancellation,
            Number(job.Value), Number(from), Number(max));

    public Task<List<StoredRecord>> RecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        AllAsync(Rows(withValues ? "events, vals" : "events, ''::bytea", "records"),
            static row => new StoredRecord(row.GetInt32(0), Blob(row, 1), Blob(row, 2)), cancellation,
            Number(job.Value), Number(from), Number(max));

    public Task<List<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation)
    {
        NpgsqlParameter before = Number(query.Before?.Value ?? long.MaxValue);
        NpgsqlParameter max = Number(query.Max);
        return query.State is { } state
            // Those that go on are few, and those that have ended have an index.
            ? AllAsync($"({InState(2)}) UNION ALL ({InState(3)}) ORDER BY id DESC LIMIT $2",
                Job, cancellation, before, max, Number((short)state))
            : AllAsync($"SELECT {JobColumns} FROM {{s}}.jobs WHERE id < $1 AND phase <> 1 ORDER BY id DESC LIMIT $2",
                Job, cancellation, before, max);
    }

    public Task<List<JobId>> LiveAsync(JobId after, int max, CancellationToken cancellation) =>
        AllAsync("SELECT id FROM {s}.jobs WHERE phase = 2 AND phase < 3 AND id > $1 ORDER BY id LIMIT $2",
            Id, cancellation, Number(after.Value), Number(max));

    // These two name what is removed. A sum is no condition of an index, and of what is not in the index the row is
    // asked: so what a damaged index says does not count alone.
    public Task<List<JobId>> ExpiredAsync(DateTimeOffset now, int max, CancellationToken cancellation) =>
        AllAsync("SELECT id FROM {s}.jobs WHERE expires <= $1 AND expires + 0 <= $1 AND phase <> 2 " +
            "ORDER BY expires, id LIMIT $2", Id, cancellation, Time(now), Number(max));

    public Task<List<JobId>> StagedAsync(DateTimeOffset now, int max, CancellationToken cancellation) =>
        AllAsync("SELECT id FROM {s}.jobs WHERE phase = 1 AND phase < 3 AND phase + 0 = 1 " +
            "AND (due IS NULL OR due <= $1) ORDER BY id LIMIT $2", Id, cancellation, Time(now), Number(max));

    public Task<List<JobId>> DueAsync(DateTimeOffset now, int max, CancellationToken cancellation) =>
        AllAsync("SELECT id FROM {s}.jobs WHERE phase = 2 AND due <= $1 ORDER BY due, id LIMIT $2",
            Id, cancellation, Time(now), Number(max));

    /// <summary>Sets when jobs are due. A row that is being written just now is passed over: whoever writes it says
    /// when it is due.</summary>
    public Task<List<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) =>
        // Not waited for on the disk: lost, it is due when it was before.
        AllAsync("""
            WITH held AS (
              SELECT h.id, h.epoch, set_config('synchronous_commit', 'off', true)
              FROM unnest($1, $2) AS h (id, epoch)),
            mine AS (
              SELECT j.id FROM {s}.jobs j JOIN held h ON j.id = h.id AND j.epoch = h.epoch
              WHERE j.phase = 2 FOR NO KEY UPDATE OF j SKIP LOCKED),
            moved AS (UPDATE {s}.jobs j SET due = $3 FROM mine WHERE j.id = mine.id)
            SELECT h.id FROM held h LEFT JOIN {s}.jobs j ON j.id = h.id WHERE j.epoch IS DISTINCT FROM h.epoch
            """, Id, cancellation,
            new NpgsqlParameter<long[]> { TypedValue = [.. held.Select(static h => h.Job.Value)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. held.Select(static h => h.Epoch)] },
            Time(dueAt));

    public async Task<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation) =>
        (await AllAsync(
            "SELECT {s}.remove_job(id, $2) FROM " +
            "(SELECT id FROM {s}.jobs WHERE id = $1 AND phase <> 2 FOR UPDATE) AS gone",
            static row => row.GetBoolean(0), cancellation, Number(job.Value), Number(maxRows))) is not [false];

    /// <summary>What does not fit together, as sentences.</summary>
    public Task<List<string>> ProblemsAsync(CancellationToken cancellation) =>
        AllAsync(PostgresCare.Check, static row => $"Job {Id(row)} {row.GetString(1)}", cancellation);

    /// <summary>Lets one use of a connection through at a time.</summary>
    public async Task<T> UseAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellation)
    {
        await _connections.WaitAsync(cancellation);
        try
        {
            for (bool again = true; ; again = false)
            {
                try
                {
                    await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
                    return await use(connection);
                }
                // A connection that lay idle while the server restarted; its neighbors are no better.
                catch (Exception error) when (again && PostgresFaults.IsConnectionLost(error))
                {
                    source.Clear();
                }
                catch (Exception error) when (PostgresFaults.IsFault(error))
                {
                    throw PostgresFaults.From(error, place);
                }
            }
        }
        finally
        {
            _connections.Release();
        }
    }

    private async Task<T?> FirstAsync<T>(
        string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation,
        params NpgsqlParameter[] parameters) =>
        (await AllAsync(sql, read, cancellation, parameters)).FirstOrDefault();

    private Task<List<T>> AllAsync<T>(
        string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation,
        params NpgsqlParameter[] parameters) =>
        UseAsync(async connection =>
        {
            await using NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Texts of this file; the schema's name was checked.
            command.CommandText = sql.Replace("{s}", place.Quoted, StringComparison.Ordinal);
#pragma warning restore CA2100
            foreach (NpgsqlParameter parameter in parameters) command.Parameters.Add(parameter.Clone());
            await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancellation);
            var rows = new List<T>();
            while (await row.ReadAsync(cancellation)) rows.Add(read(row));
            return rows;
        }, cancellation);

    private static string InState(int phase) => $"""
        SELECT {JobColumns} FROM {"{s}"}.jobs
        WHERE phase = {phase} AND state = $3 AND id < $1 ORDER BY id DESC LIMIT $2
        """;

    private static string Rows(string columns, string table) =>
        $"SELECT number, {columns} FROM {{s}}.{table} WHERE job = $1 AND number >= $2 ORDER BY number LIMIT $3";

    private static StoredJob Job(NpgsqlDataReader row) =>
        new(Id(row), row.GetInt64(1), (JobPhase)row.GetInt16(2), Blob(row, 3), Blob(row, 4));

    private static JobId Id(NpgsqlDataReader row) => new(row.GetInt64(0));

    private static byte[] Blob(NpgsqlDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    private static NpgsqlParameter<T> Number<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    private static NpgsqlParameter<long> Time(DateTimeOffset time) => Number(time.ToUnixTimeMilliseconds());
}
