using System.Data;
using Granary.Stores;
using Npgsql;

namespace Granary.Postgres;

/// <summary>
/// The one session that commits. Each commit has a number, which the server keeps with it: one whose answer was lost
/// is tried again under the same number, and the server then gives the answer it gave before instead of writing twice.
/// A request of a session that was cut off finds its number used up, however late it arrives.
/// </summary>
internal sealed class PostgresWriter(NpgsqlDataSource source, Place place) : IAsyncDisposable
{
    private readonly long _id = Random.Shared.NextInt64();
    private NpgsqlConnection? _connection;
    private NpgsqlCommand? _commit;
    private NpgsqlParameter<long> _next = new();
    private WriteColumns? _columns;

    // The number of the last commit that was answered, and the writes of the next one if that was tried.
    private long _number;
    private JobWrite[]? _tried;
    private bool _isRegistered;

    /// <summary>What keeps others away.</summary>
    public SessionLock Lock { get; } = new(place);

    /// <summary>Whether there is a session; a lost one is noticed by the next use.</summary>
    public bool IsConnected => _connection?.FullState == ConnectionState.Open;

    /// <summary>Begins a session: the first one, or another after one was lost.</summary>
    public async Task ConnectAsync(CancellationToken cancellation)
    {
        await DropAsync();
        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        try
        {
            await Lock.TakeAsync(connection, cancellation);
            await RegisterAsync(connection, cancellation);
            _commit = await PrepareAsync(connection, cancellation);
            _connection = connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the store for this process alone.</summary>
    public Task OwnAsync(CancellationToken cancellation) => Lock.OwnAsync(_connection!, cancellation);

    /// <summary>Applies the writes in one durable transaction and one round trip. Blocks: it is called on the thread
    /// of the group commit, and waiting costs less than coming back.</summary>
    public WriteResult[] Commit(IReadOnlyList<JobWrite> writes)
    {
        // The caller has given up on a group that may have been written: its number is used up, so that a request that
        // is still under way cannot be.
        if (_tried is not null && !_tried.SequenceEqual(writes)) Send([], []);

        var results = new WriteResult[writes.Count];
        var sent = new List<int>(writes.Count);
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = IsInOrder(writes[i]) ? WriteResult.Written : WriteResult.Fenced;
            if (results[i] == WriteResult.Written) sent.Add(i);
        }
        if (sent.Count == 0) return results;
        short[]? answers = Send(writes, sent);
        for (int i = 0; answers is not null && i < answers.Length; i++) results[sent[i]] = (WriteResult)answers[i];
        return results;
    }

    /// <summary>Ends the session, and takes this writer off the list.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // The server notices a little later that a session has ended; whoever comes next need not wait for it.
            if (IsConnected && _tried is null)
            {
                await ExecuteAsync(_connection!,
                    $"DELETE FROM {place.Quoted}.writers WHERE id = {_id}; SELECT pg_advisory_unlock_all()", default);
            }
        }
        catch (Exception error) when (PostgresFaults.IsFault(error))
        {
            // The row stays until another writer clears it away.
        }
        await DropAsync();
    }

    private short[]? Send(IReadOnlyList<JobWrite> writes, List<int> sent)
    {
        _next.TypedValue = _number + 1;
        _columns!.Fill(writes, sent);
        try
        {
            // Reads to the end of the answer: the commit is durable then, not before.
            object? answers = _commit!.ExecuteScalar();
            _number++;
            _tried = null;
            return answers as short[];
        }
        catch
        {
            _tried ??= [.. writes];
            throw;
        }
    }

    private async Task RegisterAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        string writers = $"{place.Quoted}.writers";
        if (_isRegistered)
        {
            await ExecuteAsync(connection,
                $"UPDATE {writers} SET backend = pg_backend_pid(), since = now() WHERE id = {_id}", cancellation);
            return;
        }
        string who = Who().Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(connection, $"""
            INSERT INTO {writers} VALUES ({_id}, 0, 0, pg_backend_pid(), now(), '{who}')
            ON CONFLICT (id, block) DO UPDATE SET backend = excluded.backend, since = excluded.since;
            DELETE FROM {writers} w WHERE w.since < now() - interval '30 days'
              AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = w.backend)
            """, cancellation);
        _isRegistered = true;
    }

    private async Task<NpgsqlCommand> PrepareAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Only the schema's name is put in, and it was checked.
        command.CommandText = WriteColumns.Sql(place);
#pragma warning restore CA2100
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _id });
        command.Parameters.Add(_next = new NpgsqlParameter<long>());
        _columns = new WriteColumns(command.Parameters);
        await command.PrepareAsync(cancellation);
        return command;
    }

    /// <summary>Ends the session; the next use begins another.</summary>
    public async Task DropAsync()
    {
        if (_commit is not null) await _commit.DisposeAsync();
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Only the schema's name and numbers are put in.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellation);
    }

    // A new job begins at nothing; what is wrong in itself need not be asked about.
    private static bool IsInOrder(JobWrite write) => write.Header is not null
        ? write.Epoch == 1 && write.Follows(0, 0)
        : write.Follows(write.Pages.Count == 0 ? 0 : write.Pages[0].Number, write.Record?.Number ?? 0);

    private static string Who()
    {
        string program = Path.GetFileNameWithoutExtension(Environment.ProcessPath ?? "unknown program");
        return $"process {Environment.ProcessId} ({program} on {Environment.MachineName})";
    }
}
