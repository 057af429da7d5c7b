using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary.Embedded.Sqlite;

/// <summary>Which file to open, and how.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The database file. It is made if it does not exist, readable by its owner only; its directory must
    /// exist. Beside it stand <c>-wal</c>, <c>-shm</c> and <c>-lock</c> files that belong to it.</summary>
    public required string Path { get; init; }

    /// <summary>Open it for reading only; this works while another process owns it. Default false.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where log messages go. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>SQLite's synchronous mode. Anything but the default loses acknowledged commits on power loss: for the
    /// test that shows it.</summary>
    internal SyncMode Synchronous { get; init; } = SyncMode.Full;

    /// <summary>The log is emptied into the database when it has grown by so many pages of 4 KiB. Default 16 MiB: a
    /// checkpoint costs some milliseconds of commit time, so it should be rare; but the log is read again after a
    /// crash.</summary>
    internal int CheckpointPages { get; init; } = 4_096;
}

/// <summary>SQLite's synchronous modes, by their numbers.</summary>
internal enum SyncMode
{
    Normal = 1,
    Full = 2,
}
