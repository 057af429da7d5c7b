using Granary.Stores;
using SQLitePCL;

namespace Granary.Embedded.Sqlite;

/// <summary>What SQLite's result codes mean for a store.</summary>
internal static class SqliteFaults
{
    private const string MakeWritable =
        "Make the file and its directory writable for this user, or open it for reading only.";

    /// <summary>The exception for a result code.</summary>
    public static StoreException From(int code, string message, Connection connection)
    {
        (StoreFault fault, string text) = Explain(code, connection.Path, connection.CanWrite);
        return new StoreException(fault, $"{text} (SQLite error {code}: {message})");
    }

    /// <summary>The exception for a file that something else has made.</summary>
    public static StoreException NotAStore(string path) => new(StoreFault.NotAStore, Foreign(path));

    /// <summary>The exception for a file that contradicts itself.</summary>
    public static StoreException Damaged(string path) => new(StoreFault.Corrupt, Corrupt(path).Text);

    /// <summary>The exception for a SQLite file of which only the start is left.</summary>
    public static StoreException CutShort(string path, Exception inner) =>
        new(StoreFault.Corrupt, Corrupt(path).Text, inner);

    /// <summary>The exception for a file that was opened for reading, or may not be written.</summary>
    public static StoreException ReadOnly(string path, string why) =>
        new(StoreFault.ReadOnly, $"'{path}' cannot be written: {why}. {MakeWritable}");

    // A failed write or fsync leaves open what is on disk, and asking again may be answered wrongly: only opening the
    // file anew tells.
    private static (StoreFault Fault, string Text) Explain(int code, string path, bool writing) => (code & 0xFF) switch
    {
        raw.SQLITE_FULL => Full(path),
        raw.SQLITE_IOERR when code == raw.SQLITE_IOERR_SHMSIZE => Full(path),
        raw.SQLITE_IOERR when code == raw.SQLITE_IOERR_SHORT_READ => Corrupt(path),
        raw.SQLITE_IOERR when writing => (StoreFault.Unknown, $"The disk failed while '{path}' was written; whether " +
            "the last write was done is unknown. Check the disk, then start again: what was acknowledged is kept."),
        raw.SQLITE_IOERR or raw.SQLITE_NOMEM =>
            (StoreFault.Unavailable, $"'{path}' could not be read. Check the disk, then try again."),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
            (StoreFault.Unavailable, $"Another program has locked '{path}'. End it, or try again later."),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH =>
            (StoreFault.ReadOnly, $"'{path}' cannot be written. {MakeWritable}"),
        raw.SQLITE_CANTOPEN => (StoreFault.Missing, $"'{path}' cannot be opened. Check that it exists and that this " +
            "user may read it and write in its directory."),
        raw.SQLITE_NOTADB => (StoreFault.NotAStore, Foreign(path)),
        raw.SQLITE_CORRUPT => Corrupt(path),
        _ => (StoreFault.Unknown, $"'{path}' cannot be used any further until it is opened again."),
    };

    private static string Foreign(string path) =>
        $"'{path}' is not a Granary database. Name another file, or a new one.";

    private static (StoreFault Fault, string Text) Full(string path) => (StoreFault.Full,
        $"There is no room left on the disk of '{path}'. Free some: what waits is then written by itself.");

    private static (StoreFault Fault, string Text) Corrupt(string path) => (StoreFault.Corrupt,
        $"'{path}' is damaged or cut short. Restore it from a backup; keep it and its -wal file for a rescue.");
}
