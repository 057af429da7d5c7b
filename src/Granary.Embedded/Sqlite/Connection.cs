using SQLitePCL;

namespace Granary.Embedded.Sqlite;

/// <summary>One SQLite connection, used by one thread at a time. Straight on SQLite's own interface, because the
/// commit path runs four statements per job and an ADO.NET provider doubles their cost.</summary>
internal sealed class Connection : IDisposable
{
    private const int BusyMilliseconds = 2_000;

    private readonly sqlite3 _handle;
    private readonly List<Statement> _statements = [];

    static Connection() => Batteries_V2.Init();

    private Connection(string path, sqlite3 handle, bool canWrite) =>
        (Path, _handle, CanWrite) = (path, handle, canWrite);

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>Whether it was opened for writing.</summary>
    public bool CanWrite { get; }

    /// <summary>Rows changed by the last statement that ran.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    /// <summary>Whether a transaction is open.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Whether SQLite had to open the file for reading only.</summary>
    public bool IsReadOnly => raw.sqlite3_db_readonly(_handle, "main") == 1;

    /// <summary>Opens an existing or empty file.</summary>
    public static Connection OpenWriter(string path) =>
        Open(path, path, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX, canWrite: true);

    /// <summary>Opens an existing file for reading. An immutable file is one that nothing can change while it is
    /// open.</summary>
    public static Connection OpenReader(string path, bool immutable = false)
    {
        const int Flags = raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_NOMUTEX;
        return immutable
            ? Open(path, $"{new Uri(path).AbsoluteUri}?immutable=1", Flags | raw.SQLITE_OPEN_URI, canWrite: false)
            : Open(path, path, Flags, canWrite: false);
    }

    /// <summary>Prepares a statement that lives as long as the connection.</summary>
    public Statement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out sqlite3_stmt handle));
        var statement = new Statement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that give no rows worth reading.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>The first column of the first row; zero without rows.</summary>
    public long QueryInt64(string sql) => Query(sql, static row => row.Int64(0));

    /// <summary>The first column of the first row; null without rows.</summary>
    public string? QueryText(string sql) => Query(sql, static row => row.Text(0));

    /// <summary>One value of the first row; the default without rows.</summary>
    public T? Query<T>(string sql, Func<Statement, T> read)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out sqlite3_stmt handle));
        using var statement = new Statement(this, handle);
        return statement.Step() ? read(statement) : default;
    }

    /// <summary>Moves the log into the database as far as readers allow.</summary>
    public void Checkpoint() =>
        Check(raw.sqlite3_wal_checkpoint_v2(_handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out _, out _));

    /// <summary>Pages this connection has written to the log since the last call.</summary>
    public int TakePagesWritten()
    {
        raw.sqlite3_db_status(_handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out int pages, out _, 1);
        return pages;
    }

    /// <summary>Copies this connection's snapshot to an empty file.</summary>
    public void CopyTo(Connection target, int pagesPerStep, CancellationToken cancellation)
    {
        using sqlite3_backup backup = raw.sqlite3_backup_init(target._handle, "main", _handle, "main");
        if (backup.IsInvalid) target.Check(raw.sqlite3_errcode(target._handle));
        int code;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            code = raw.sqlite3_backup_step(backup, pagesPerStep);
        }
        while (code == raw.SQLITE_OK);
        if (code != raw.SQLITE_DONE) target.Check(code);
    }

    /// <summary>Throws unless the code is OK.</summary>
    public void Check(int code)
    {
        if (code != raw.SQLITE_OK) throw SqliteFaults.From(code, raw.sqlite3_errmsg(_handle).utf8_to_string(), this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in _statements) statement.Dispose();
        _handle.Dispose();
    }

    private static Connection Open(string path, string address, int flags, bool canWrite)
    {
        int code = raw.sqlite3_open_v2(address, out sqlite3 handle, flags, null);
        var connection = new Connection(path, handle, canWrite);
        try
        {
            connection.Check(code);
            connection.Check(raw.sqlite3_extended_result_codes(handle, 1));
            connection.Check(raw.sqlite3_busy_timeout(handle, BusyMilliseconds));
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
