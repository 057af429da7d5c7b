using Granary.Stores;
using Npgsql;

namespace Granary.Postgres;

/// <summary>
/// The advisory lock of a session that writes: shared by all who write, or held by the one that owns the store alone.
/// The server gives it back when the session ends, however it ends.
/// </summary>
internal sealed class SessionLock(Place place)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private bool _isOwner;
    private int _backend;

    private string Holders => $"""
        FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
          AND l.classid::bigint = {Locks.Writing} AND l.objid::bigint = {(uint)place.Lock}
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    /// <summary>Takes the lock for a new session, as it was held before.</summary>
    /// <exception cref="StoreException">Another process owns the store.</exception>
    public async Task TakeAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // What is left of the session before must not hold anything any more, nor stand in its own successor's way.
        if (_backend != 0)
        {
            await AskAsync(connection,
                $"SELECT pg_terminate_backend(l.pid) {Holders} AND l.pid = {_backend} AND l.pid <> pg_backend_pid()",
                cancellation);
        }
        if (!await TryAsync(connection, _isOwner, cancellation))
            throw new StoreException(StoreFault.Owned, await DescribeAsync(connection, cancellation));
        _backend = (int)(await AskAsync(connection, "SELECT pg_backend_pid()", cancellation))!;
    }

    /// <summary>Takes it for this session alone.</summary>
    /// <exception cref="StoreException">Another process writes.</exception>
    public async Task OwnAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        if (_isOwner) return;
        // Let go first: of two that want it, each would stand in the other's way.
        await AskAsync(connection, "SELECT pg_advisory_unlock_all()::text", cancellation);
        _isOwner = await TryAsync(connection, alone: true, cancellation);
        if (!_isOwner) throw new StoreException(StoreFault.Owned, await DescribeAsync(connection, cancellation));
    }

    private async Task<bool> TryAsync(NpgsqlConnection connection, bool alone, CancellationToken cancellation)
    {
        string how = alone ? "pg_try_advisory_lock" : "pg_try_advisory_lock_shared";
        string question = $"SELECT {how}({Locks.Writing}, {place.Lock})";
        long start = TimeProvider.System.GetTimestamp();
        while (await AskAsync(connection, question, cancellation) is not true)
        {
            if (TimeProvider.System.GetElapsedTime(start) >= s_patience) return false;
            await Task.Delay(s_pause, cancellation);
        }
        return true;
    }

    private async Task<string> DescribeAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        $"{place} is in use by {await HolderAsync(connection, cancellation) ?? "another process"}. Wait until it has " +
        "ended or stop it: an embedded engine must be the only one that writes. Reading works meanwhile.";

    /// <summary>Which process, other than this session's, holds the lock; null if none does.</summary>
    public async Task<string?> HolderAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        await AskAsync(connection, $"""
            SELECT coalesce(
              (SELECT w.who || ' since ' || to_char(w.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z'
               FROM {place.Quoted}.writers w WHERE w.backend = l.pid ORDER BY w.since DESC LIMIT 1),
              'the session with process id ' || l.pid || ' of the server')
            {Holders} AND l.pid NOT IN (pg_backend_pid(), {_backend}) LIMIT 1
            """, cancellation) as string;

    private static async Task<object?> AskAsync(
        NpgsqlConnection connection, string question, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Numbers and the schema's name, which was checked.
        command.CommandText = question;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(cancellation);
    }
}
