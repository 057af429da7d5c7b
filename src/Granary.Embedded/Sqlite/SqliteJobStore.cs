using System.Collections.Concurrent;
using Granary.Engines;
using Granary.Stores;
using Microsoft.Extensions.Logging;

namespace Granary.Embedded.Sqlite;

/// <summary>
/// Keeps jobs in one SQLite file. One process at a time owns it; others may read it meanwhile. Every commit is on
/// disk when it is answered: the file runs in WAL mode with <c>synchronous=FULL</c>, which is checked at opening.
/// </summary>
public sealed partial class SqliteJobStore : IJobStore
{
    private const int MaxReaders = 4;

    private readonly SqliteStoreOptions _options;
    private readonly string _path;
    private readonly FileStream? _lock;
    private readonly SqliteWriter? _writer;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _reading = new(MaxReaders, MaxReaders);
    private readonly ConcurrentBag<SqliteReader> _readers = [];
    private readonly ConcurrentQueue<Acquisition> _acquisitions = [];
    private StoreException? _fault;
    private bool _disposed;

    private SqliteJobStore(SqliteStoreOptions options, string path, FileStream? owned, SqliteWriter? writer) =>
        (_options, _path, _lock, _writer) = (options, path, owned, writer);

    /// <summary>Opens the file, and makes it if it does not exist and is not opened for reading only.</summary>
    /// <exception cref="StoreException">It cannot be opened; the fault and the message say why, and what to do. When
    /// another process owns the file, this is known within a second.</exception>
    public static async Task<SqliteJobStore> OpenAsync(SqliteStoreOptions options, CancellationToken cancellation)
    {
        string path = Path.GetFullPath(options.Path);
        CheckPlace(path, options.ReadOnly);
        if (IsOnNetwork(path)) LogNetwork(options.Logger, path);
        SqliteJobStore store = options.ReadOnly
            ? OpenForReading(options, path)
            : await OpenForWritingAsync(options, path, cancellation);
        LogOpened(options.Logger, path, options.ReadOnly);
        return store;
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation)
    {
        if (writes.Count == 0) return [];
        return await WriteAsync(writer => writer.Commit(writes), cancellation);
    }

    /// <inheritdoc/>
    /// <remarks>Those asked for at the same time share one transaction.</remarks>
    public async ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation)
    {
        var acquisition = new Acquisition(job);
        _acquisitions.Enqueue(acquisition);
        await Task.Yield();
        await WriteAsync(AcquireQueued, cancellation);
        return await acquisition.Result.Task;
    }

    /// <inheritdoc/>
    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) =>
        ReadAsync(reader => reader.Load(job), cancellation);

    /// <inheritdoc/>
    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) =>
        ReadAsync(reader => reader.Find(key), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<StoredPage>>(reader => reader.Pages(job, from, max, withArgs), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<StoredRecord>>(reader => reader.Records(job, from, max, withValues), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<StoredJob>>(reader => reader.List(query), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<JobId>>(reader => reader.Live(after, max), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<JobId>>(reader => reader.Expired(now, max), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<JobId>>(reader => reader.Due(now, max), cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) =>
        await WriteAsync(writer => writer.Postpone(held, dueAt), cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<JobId>>(reader => reader.Staged(now, max), cancellation);

    /// <inheritdoc/>
    public async ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        return await WriteAsync(writer => writer.Remove(job, maxRows), cancellation);
    }

    /// <summary>Copies the store, as of now, to a new file; writers and readers go on meanwhile.</summary>
    /// <exception cref="IOException">The destination exists already, or cannot be written.</exception>
    /// <exception cref="StoreException">This store cannot be read, or there is no room for the copy.</exception>
    public Task BackupAsync(string destination, CancellationToken cancellation) =>
        Task.Run(() => SqliteCare.Backup(_path, Path.GetFullPath(destination), cancellation), cancellation);

    /// <summary>Checks the file's structure and that no job lacks pages or records; every byte of it is read. What
    /// the blobs say is checked by who decodes them.</summary>
    /// <returns>The problems found, as sentences; none if all is well.</returns>
    public Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<string>>(() => SqliteCare.Check(_path), cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _writing.WaitAsync();
        for (int i = 0; i < MaxReaders; i++) await _reading.WaitAsync();
        foreach (SqliteReader reader in _readers) reader.Dispose();
        // Last of the connections, so that it empties the log and removes it; then the lock.
        _writer?.Dispose();
        if (_lock is not null) await _lock.DisposeAsync();
        _writing.Dispose();
        _reading.Dispose();
    }

    private static SqliteJobStore OpenForReading(SqliteStoreOptions options, string path)
    {
        var store = new SqliteJobStore(options, path, null, null);
        store._readers.Add(new SqliteReader(SqliteOpening.Reader(path)));
        return store;
    }

    private static async Task<SqliteJobStore> OpenForWritingAsync(
        SqliteStoreOptions options, string path, CancellationToken cancellation)
    {
        FileStream owned = await FileOwner.LockAsync(path, cancellation);
        Connection? connection = null;
        try
        {
            connection = SqliteOpening.Writer(path, options.Synchronous);
            FileOwner.Record(connection, options.Time.GetUtcNow());
            return new SqliteJobStore(options, path, owned, new SqliteWriter(connection, options.CheckpointPages));
        }
        catch
        {
            connection?.Dispose();
            await owned.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<T> WriteAsync<T>(Func<SqliteWriter, T> write, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_writer is null) throw SqliteFaults.ReadOnly(_path, "it was opened for reading only");
        await _writing.WaitAsync(cancellation);
        try
        {
            if (_fault is not null) throw _fault;
            T result = write(_writer);
            Checkpoint(_writer);
            return result;
        }
        catch (StoreException fault) when (!fault.IsTransient)
        {
            GiveUp(fault);
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    // What was committed stays committed whatever happens here. A full disk is no harm: the log holds all of it.
    private void Checkpoint(SqliteWriter writer)
    {
        try
        {
            writer.CheckpointIfDue();
        }
        catch (StoreException fault) when (fault.IsTransient)
        {
            LogCheckpoint(_options.Logger, _path, fault);
        }
        catch (StoreException fault)
        {
            GiveUp(fault);
        }
    }

    private void GiveUp(StoreException fault)
    {
        if (_fault is not null) return;
        _fault = fault;
        LogFault(_options.Logger, _path, fault);
    }

    private int AcquireQueued(SqliteWriter writer)
    {
        var taken = new List<Acquisition>();
        while (_acquisitions.TryDequeue(out Acquisition? acquisition)) taken.Add(acquisition);
        if (taken.Count == 0) return 0;
        try
        {
            StoredJob?[] rows = writer.Acquire(taken.ConvertAll(acquisition => acquisition.Job));
            for (int i = 0; i < rows.Length; i++) taken[i].Result.SetResult(rows[i]);
            return rows.Length;
        }
        catch (Exception error)
        {
            foreach (Acquisition acquisition in taken) acquisition.Fail(error);
            throw;
        }
    }

    private async ValueTask<T> ReadAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await _reading.WaitAsync(cancellation);
        try
        {
            if (!_readers.TryTake(out SqliteReader? reader)) reader = new SqliteReader(SqliteOpening.Reader(_path));
            T result;
            try
            {
                result = read(reader);
            }
            catch
            {
                reader.Dispose();
                throw;
            }
            _readers.Add(reader);
            return result;
        }
        finally
        {
            _reading.Release();
        }
    }

    private static void CheckPlace(string path, bool readOnly)
    {
        if (Directory.Exists(path))
            throw new StoreException(StoreFault.NotAStore, $"'{path}' is a directory. Name a file in it.");
        string directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
            throw new StoreException(StoreFault.Missing, $"There is no directory for '{path}'. Make it first.");
        if (readOnly && !File.Exists(path))
            throw new StoreException(StoreFault.Missing, $"There is no file '{path}'. Check its name.");
    }

    private static bool IsOnNetwork(string path) =>
        new DriveInfo(Path.GetDirectoryName(path)!).DriveType == DriveType.Network;

    private sealed record Acquisition(JobId Job)
    {
        public TaskCompletionSource<StoredJob?> Result { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Observed at once: whoever asked may have been told by an exception of its own.
        public void Fail(Exception error)
        {
            Result.SetException(error);
            _ = Result.Task.Exception;
        }
    }
}
