using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>Opens connections of a store, set up and checked.</summary>
internal static class SqliteOpening
{
    /// <summary>Opens the file for writing, and makes or migrates it. The caller holds the lock.</summary>
    public static Connection Writer(string path, SyncMode synchronous)
    {
        FileOwner.CreateIfMissing(path);
        return Prepared(path, Connection.OpenWriter(path), connection =>
        {
            if (connection.IsReadOnly) throw SqliteFaults.ReadOnly(path, "its permissions or its disk forbid it");
            // journal_size_limit cuts the log back after an unusually large transaction; fullfsync matters on macOS
            // only.
            connection.Execute($"""
                PRAGMA page_size = 4096;
                PRAGMA synchronous = {(int)synchronous};
                PRAGMA fullfsync = ON;
                PRAGMA checkpoint_fullfsync = ON;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = 67108864;
                PRAGMA cache_size = -16384;
                PRAGMA temp_store = MEMORY;
                """);
            CheckDurable(connection, synchronous);
            Schema.Migrate(connection);
        });
    }

    /// <summary>Opens the file for reading, beside a writer or without one.</summary>
    public static Connection Reader(string path)
    {
        try
        {
            return Prepared(path, Connection.OpenReader(path), Schema.Assert);
        }
        catch (StoreException error) when (error.Fault is StoreFault.Missing or StoreFault.ReadOnly && !HasLog(path))
        {
            // Reading beside a writer needs a -shm file. Where none can be made and there is no log, nobody can be
            // writing either.
            return Prepared(path, Connection.OpenReader(path, immutable: true), Schema.Assert);
        }
    }

    private static Connection Prepared(string path, Connection connection, Action<Connection> prepare)
    {
        try
        {
            prepare(connection);
            return connection;
        }
        catch (StoreException error)
        {
            connection.Dispose();
            if (error.Fault == StoreFault.NotAStore && IsCutShort(path)) throw SqliteFaults.CutShort(path, error);
            throw;
        }
    }

    // In WAL mode synchronous=NORMAL would lose acknowledged commits on power loss.
    private static void CheckDurable(Connection connection, SyncMode synchronous)
    {
        string? journal = connection.QueryText("PRAGMA journal_mode = WAL");
        if (journal != "wal")
        {
            throw new StoreException(StoreFault.Unavailable, $"'{connection.Path}' cannot keep a write-ahead log " +
                $"where it is (journal mode {journal}). Put it on a local disk.");
        }
        long sync = connection.QueryInt64("PRAGMA synchronous");
        if (sync != (int)synchronous)
        {
            throw new StoreException(StoreFault.Unavailable, $"'{connection.Path}' cannot be written durably: SQLite " +
                $"runs with synchronous={sync} instead of {(int)synchronous}. Use the SQLite that comes with Granary.");
        }
    }

    private static bool HasLog(string path) => new FileInfo(path + "-wal") is { Exists: true, Length: > 0 };

    // SQLite takes its own file for something else when only its first bytes are left.
    private static bool IsCutShort(string path)
    {
        Span<byte> start = stackalloc byte[16];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return file.Length < 512 && file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.SequenceEqual("SQLite format 3\0"u8);
    }
}
