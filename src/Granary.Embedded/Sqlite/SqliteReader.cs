using Granary.Engines;
using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>A connection that only reads, with its statements. Used by one thread at a time.</summary>
internal sealed class SqliteReader(Connection connection) : IDisposable
{
    private const string JobColumns = "id, epoch, phase, header, summary";

    private readonly Statement _load = connection.Prepare($"SELECT {JobColumns} FROM jobs WHERE id = ? AND phase <> 1");
    private readonly Statement _find = connection.Prepare("""
        SELECT id, (SELECT row.key FROM jobs AS row NOT INDEXED WHERE row.id = jobs.id)
        FROM jobs INDEXED BY jobs_by_key WHERE key = ?
        """);
    private readonly Statement _pages = connection.Prepare(Rows("number, shape, args", "pages"));
    private readonly Statement _shapes = connection.Prepare(Rows("number, shape, x''", "pages"));
    private readonly Statement _records = connection.Prepare(Rows("number, events, vals", "records"));
    private readonly Statement _events = connection.Prepare(Rows("number, events, x''", "records"));
    private readonly Statement _list = connection.Prepare(
        $"SELECT {JobColumns} FROM jobs WHERE id < ? AND phase <> 1 ORDER BY id DESC LIMIT ?");
    private readonly Statement _listByState = connection.Prepare($"""
        SELECT {JobColumns} FROM jobs INDEXED BY jobs_by_state
        WHERE id < ? AND phase <> 1 AND state = ?3 ORDER BY id DESC LIMIT ?2
        """);
    private readonly Statement _live = connection.Prepare("""
        SELECT id FROM jobs INDEXED BY jobs_unfinished
        WHERE phase = 2 AND phase < 3 AND id > ? ORDER BY id LIMIT ?
        """);
    private readonly Statement _staged = connection.Prepare("""
        SELECT id FROM jobs INDEXED BY jobs_unfinished
        WHERE phase = 1 AND phase < 3 AND (due IS NULL OR due <= ?) ORDER BY id LIMIT ?
        """);
    private readonly Statement _due = connection.Prepare("""
        SELECT id FROM jobs INDEXED BY jobs_by_due
        WHERE phase = 2 AND due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?
        """);
    private readonly Statement _expired = connection.Prepare("""
        SELECT id FROM jobs INDEXED BY jobs_by_expiry WHERE expires <= ? ORDER BY expires, id LIMIT ?
        """);

    /// <summary>The connection, for what is not asked often.</summary>
    public Connection Connection => connection;

    public StoredJob? Load(JobId job) => _load.Bind(1, job.Value).First(Job);

    // An index bears no checksum: the row itself must have the key, too.
    public JobId? Find(string key)
    {
        (JobId Job, string Key) found = _find.Bind(1, key).First(static row => (Id(row), row.Text(1)));
        if (found.Key is null) return null;
        return found.Key == key ? found.Job : throw SqliteFaults.Damaged(connection.Path);
    }

    public List<StoredPage> Pages(JobId job, int from, int max, bool withArgs) => (withArgs ? _pages : _shapes)
        .Bind(1, job.Value).Bind(2, from).Bind(3, max)
        .All(static row => new StoredPage((int)row.Int64(0), row.Blob(1), row.Blob(2)));

    public List<StoredRecord> Records(JobId job, int from, int max, bool withValues) =>
        (withValues ? _records : _events)
        .Bind(1, job.Value).Bind(2, from).Bind(3, max)
        .All(static row => new StoredRecord((int)row.Int64(0), row.Blob(1), row.Blob(2)));

    public List<StoredJob> List(JobQuery query)
    {
        Statement list = query.State is { } state ? _listByState.Bind(3, (long)state) : _list;
        return list.Bind(1, query.Before?.Value ?? long.MaxValue).Bind(2, query.Max).All(Job);
    }

    public List<JobId> Live(JobId after, int max) => _live.Bind(1, after.Value).Bind(2, max).All(Id);

    public List<JobId> Staged(DateTimeOffset now, int max) =>
        _staged.Bind(1, now.ToUnixTimeMilliseconds()).Bind(2, max).All(Id);

    public List<JobId> Due(DateTimeOffset now, int max) =>
        _due.Bind(1, now.ToUnixTimeMilliseconds()).Bind(2, max).All(Id);

    public List<JobId> Expired(DateTimeOffset now, int max) =>
        _expired.Bind(1, now.ToUnixTimeMilliseconds()).Bind(2, max).All(Id);

    /// <summary>Reads a row of the columns id, epoch, phase, header, summary.</summary>
    public static StoredJob Job(Statement row) =>
        new(Id(row), row.Int64(1), (JobPhase)row.Int64(2), row.Blob(3), row.Blob(4));

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();

    private static JobId Id(Statement row) => new(row.Int64(0));

    private static string Rows(string columns, string table) =>
        $"SELECT {columns} FROM {table} WHERE job = ? AND number >= ? ORDER BY number LIMIT ?";
}
