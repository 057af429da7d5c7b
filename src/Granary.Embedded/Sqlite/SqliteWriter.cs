using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>The one connection that writes. Used by one thread at a time.</summary>
internal sealed class SqliteWriter : IDisposable
{
    // The writer's epoch is the job's, and its pages and record follow those stored.
    private const string Current =
        "id = ?1 AND epoch = ?2 AND pages = coalesce(?3, pages) AND records = coalesce(?4, records)";

    private readonly Connection _connection;
    private readonly int _checkpointPages;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _insertJob;
    private readonly Statement _updateJob;
    private readonly Statement _updateJobAndKey;
    private readonly Statement _insertPage;
    private readonly Statement _insertRecord;
    private readonly Statement _epoch;
    private readonly Statement _current;
    private readonly Statement _acquire;
    private readonly Statement _postpone;
    private readonly Statement _hide;
    private readonly Statement _deletePages;
    private readonly Statement _deleteRecords;
    private readonly Statement _deleteJob;
    private int _pagesInLog;

    public SqliteWriter(Connection connection, int checkpointPages)
    {
        (_connection, _checkpointPages) = (connection, checkpointPages);
        _begin = connection.Prepare("BEGIN IMMEDIATE");
        _commit = connection.Prepare("COMMIT");
        _insertJob = connection.Prepare("""
            INSERT INTO jobs (id, epoch, phase, state, pages, records, expires, key, header, summary, due)
            VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
            """);
        _updateJob = connection.Prepare(Update("UPDATE", ""));
        _updateJobAndKey = connection.Prepare(Update("UPDATE OR IGNORE", ", key = ?12"));
        _insertPage = connection.Prepare("INSERT INTO pages (job, number, shape, args) VALUES (?, ?, ?, ?)");
        _insertRecord = connection.Prepare("INSERT INTO records (job, number, events, vals) VALUES (?, ?, ?, ?)");
        _epoch = connection.Prepare("SELECT epoch FROM jobs WHERE id = ?");
        _current = connection.Prepare($"SELECT 1 FROM jobs WHERE {Current}");
        _acquire = connection.Prepare("""
            UPDATE jobs SET epoch = epoch + 1 WHERE id = ? AND phase <> 1
            RETURNING id, epoch, phase, header, summary
            """);
        _postpone = connection.Prepare("UPDATE jobs SET due = ?3 WHERE id = ?1 AND epoch = ?2 AND phase = 2");
        _hide = connection.Prepare("""
            UPDATE jobs SET epoch = epoch + 1, phase = 1, key = NULL, due = NULL WHERE id = ? AND phase <> 2
            """);
        _deletePages = connection.Prepare(DeleteSome("pages"));
        _deleteRecords = connection.Prepare(DeleteSome("records"));
        _deleteJob = connection.Prepare("DELETE FROM jobs WHERE id = ?");
    }

    /// <summary>Applies the writes in one durable transaction.</summary>
    public WriteResult[] Commit(IReadOnlyList<JobWrite> writes)
    {
        var results = new WriteResult[writes.Count];
        InTransaction(() =>
        {
            for (int i = 0; i < results.Length; i++) results[i] = Write(writes[i]);
        });
        return results;
    }

    /// <summary>Raises the epochs of jobs in one durable transaction.</summary>
    public StoredJob?[] Acquire(IReadOnlyList<JobId> jobs)
    {
        var rows = new StoredJob?[jobs.Count];
        InTransaction(() =>
        {
            // To its end, not to its first row: until then the change is not complete.
            for (int i = 0; i < rows.Length; i++)
                rows[i] = _acquire.Bind(1, jobs[i].Value).All(SqliteReader.Job).FirstOrDefault();
        });
        return rows;
    }

    /// <summary>Sets when jobs are due, and returns those that are held under another epoch.</summary>
    public List<JobId> Postpone(IReadOnlyList<HeldJob> held, DateTimeOffset dueAt)
    {
        var lost = new List<JobId>();
        InTransaction(() =>
        {
            foreach ((JobId job, long epoch) in held)
            {
                int moved = _postpone
                    .Bind(1, job.Value).Bind(2, epoch).Bind(3, dueAt.ToUnixTimeMilliseconds()).Run();
                if (moved == 0 && Epoch(job) != epoch) lost.Add(job);
            }
        });
        return lost;
    }

    /// <summary>Hides the job unless it is live, and removes so many of its rows.</summary>
    /// <returns>Whether nothing is left to remove.</returns>
    public bool Remove(JobId job, int maxRows)
    {
        bool gone = false;
        InTransaction(() =>
        {
            if (_hide.Bind(1, job.Value).Run() == 0)
            {
                gone = true;
                return;
            }
            int removed = _deletePages.Bind(1, job.Value).Bind(2, maxRows).Run();
            if (removed < maxRows) removed += _deleteRecords.Bind(1, job.Value).Bind(2, maxRows - removed).Run();
            gone = removed < maxRows && _deleteJob.Bind(1, job.Value).Run() == 1;
        });
        return gone;
    }

    /// <summary>Empties the log into the database if it has grown long. After a commit, so that an error here cannot
    /// undo one.</summary>
    public void CheckpointIfDue()
    {
        _pagesInLog += _connection.TakePagesWritten();
        if (_pagesInLog < _checkpointPages) return;
        _pagesInLog = 0;
        _connection.Checkpoint();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private WriteResult Write(JobWrite write)
    {
        WriteResult result = write.Header is { } header ? Insert(write, header) : Update(write);
        if (result != WriteResult.Written) return result;

        foreach (StoredPage page in write.Pages)
            Insert(_insertPage, write.Job, page.Number, page.Shape, page.Args);
        if (write.Record is { } record)
            Insert(_insertRecord, write.Job, record.Number, record.Events, record.Values);
        return result;
    }

    private static void Insert(
        Statement insert, JobId job, int number, ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) =>
        insert.Bind(1, job.Value).Bind(2, number).Bind(3, first).Bind(4, second).Run();

    private WriteResult Insert(JobWrite write, ReadOnlyMemory<byte> header)
    {
        if (write.Epoch != 1 || !write.Follows(0, 0)) return WriteResult.Fenced;
        int inserted = _insertJob
            .Bind(1, write.Job.Value).Bind(2, (long)write.Phase).Bind(3, (long)write.State)
            .Bind(4, write.Pages.Count).Bind(5, write.Record is null ? 0 : 1)
            .Bind(6, write.ExpiresAt?.ToUnixTimeMilliseconds()).Bind(7, write.Key)
            .Bind(8, header).Bind(9, write.Summary).Bind(10, write.DueAt?.ToUnixTimeMilliseconds())
            .Run();
        if (inserted == 1) return WriteResult.Written;
        return Epoch(write.Job) is null ? WriteResult.KeyTaken : WriteResult.IdTaken;
    }

    private WriteResult Update(JobWrite write)
    {
        int? page = write.Pages.Count == 0 ? null : write.Pages[0].Number;
        int? record = write.Record?.Number;
        if (!write.Follows(page ?? 0, record ?? 0)) return WriteResult.Fenced;

        Statement update = write.Key is null ? _updateJob : _updateJobAndKey.Bind(12, write.Key);
        int updated = update
            .Bind(1, write.Job.Value).Bind(2, write.Epoch).Bind(3, page).Bind(4, record)
            .Bind(5, (long)write.Phase).Bind(6, (long)write.State)
            .Bind(7, write.Pages.Count).Bind(8, record is null ? 0 : 1)
            .Bind(9, write.ExpiresAt?.ToUnixTimeMilliseconds()).Bind(10, write.Summary)
            .Bind(11, write.DueAt?.ToUnixTimeMilliseconds())
            .Run();
        if (updated == 1) return WriteResult.Written;
        return write.Key is not null && IsCurrent(write, page, record) ? WriteResult.KeyTaken : WriteResult.Fenced;
    }

    private bool IsCurrent(JobWrite write, int? page, int? record) => _current
        .Bind(1, write.Job.Value).Bind(2, write.Epoch).Bind(3, page).Bind(4, record)
        .First(static _ => true);

    private long? Epoch(JobId job) => _epoch.Bind(1, job.Value).First(static row => (long?)row.Int64(0));

    private void InTransaction(Action work)
    {
        _begin.Run();
        try
        {
            work();
            _commit.Run();
        }
        finally
        {
            if (_connection.InTransaction) _connection.Execute("ROLLBACK");
        }
    }

    private static string Update(string verb, string also) => $"""
        {verb} jobs
        SET phase = ?5, state = ?6, pages = pages + ?7, records = records + ?8, expires = ?9, summary = ?10,
            due = ?11{also}
        WHERE {Current}
        """;

    private static string DeleteSome(string table) => $"""
        DELETE FROM {table} WHERE job = ?1 AND number < (SELECT min(number) FROM {table} WHERE job = ?1) + ?2
        """;
}
