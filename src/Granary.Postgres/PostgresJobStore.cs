using Granary.Engines;
using Granary.Stores;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Granary.Postgres;

/// <summary>
/// Keeps jobs in a PostgreSQL schema. Several processes may share it (a cluster), or one takes it for itself (an
/// embedded engine). Every commit is on the server's disk when it is answered; one whose answer was lost with the
/// connection is recognized when it is tried again, and never written twice.
/// </summary>
public sealed partial class PostgresJobStore : IJobStore
{
    /// <summary>Rows of one transaction of a removal: so that numbers of rows can be added on the server.</summary>
    private const int MaxRemoved = 1_000_000;

    private readonly PostgresStoreOptions _options;
    private readonly NpgsqlDataSource _source;
    private readonly Place _place;
    private readonly PostgresReader _reader;
    private readonly PostgresWriter _writer;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private StoreException? _fault;
    private bool _disposed;

    private PostgresJobStore(PostgresStoreOptions options, NpgsqlDataSource source, int readers, Place place)
    {
        (_options, _source, _place) = (options, source, place);
        _reader = new PostgresReader(source, place, readers);
        _writer = new PostgresWriter(source, place);
    }

    /// <summary>Where it is, for people; without a password.</summary>
    public string Name => _place.ToString();

    /// <summary>Whether a text is an address of PostgreSQL: <c>postgres://…</c> or <c>postgresql://…</c>.</summary>
    public static bool IsAddress(string text) => ConnectionAddress.IsAddress(text);

    /// <summary>Opens the store, and makes or updates its tables where that is needed and not opened for reading
    /// only.</summary>
    /// <exception cref="ArgumentException">The options cannot be read.</exception>
    /// <exception cref="StoreException">It cannot be opened; the fault and the message say why, and what to
    /// do.</exception>
    public static async Task<PostgresJobStore> OpenAsync(
        PostgresStoreOptions options, CancellationToken cancellation = default)
    {
        (NpgsqlDataSource source, int readers, Place place) = PostgresOpening.Connect(options);
        var store = new PostgresJobStore(options, source, readers, place);
        try
        {
            await PostgresOpening.PrepareAsync(source, place, options, cancellation);
            if (!options.ReadOnly) await store._writer.ConnectAsync(cancellation);
            LogOpened(options.Logger, place, options.ReadOnly);
            return store;
        }
        catch (Exception error)
        {
            await store.DisposeAsync();
            if (PostgresFaults.IsFault(error)) throw PostgresFaults.From(error, place);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask OwnAsync(CancellationToken cancellation) =>
        await WriteAsync(
            async writer =>
            {
                await writer.OwnAsync(cancellation);
                return true;
            },
            cancellation);

    /// <inheritdoc/>
    /// <remarks>After a transient fault, give the same list of writes again: what of it was written before the
    /// connection was lost is found, and answered as it was then.</remarks>
    public ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation) =>
        writes.Count == 0
            ? ValueTask.FromResult<WriteResult[]>([])
            : WriteAsync(writer => Task.FromResult(writer.Commit(writes)), cancellation);

    /// <inheritdoc/>
    public async ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) =>
        await Writable().AcquireAsync(job, cancellation);

    /// <inheritdoc/>
    public async ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) =>
        await Readable().LoadAsync(job, cancellation);

    /// <inheritdoc/>
    public async ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) =>
        await Readable().FindAsync(key, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        await Readable().PagesAsync(job, from, max, withArgs, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        await Readable().RecordsAsync(job, from, max, withValues, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        await Readable().ListAsync(query, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JobId>> ListLiveAsync(
        JobId after, int max, CancellationToken cancellation) =>
        await Readable().LiveAsync(after, max, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        await Readable().ExpiredAsync(now, max, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JobId>> ListDueAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        await Readable().DueAsync(now, max, cancellation);

    /// <inheritdoc/>
    /// <remarks>A job that is being written at this moment is passed over: its writer says when it is due.</remarks>
    public async ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) =>
        await Writable().PostponeAsync(held, dueAt, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JobId>> ListStagedAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) =>
        await Readable().StagedAsync(now, max, cancellation);

    /// <inheritdoc/>
    public async ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        return await Writable().RemoveAsync(job, Math.Min(maxRows, MaxRemoved), cancellation);
    }

    /// <summary>Which other process has the store open for writing, as a phrase for people; null if none
    /// has.</summary>
    public Task<string?> FindWriterAsync(CancellationToken cancellation) =>
        Readable().UseAsync(
            connection => _writer.Lock.HolderAsync(connection, cancellation), cancellation);

    /// <summary>Checks that no job lacks pages or records, and that none are left of jobs that are gone. What the
    /// blobs say is checked by who decodes them.</summary>
    /// <returns>The problems found, as sentences; none if all is well.</returns>
    public async Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellation) =>
        await Readable().ProblemsAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _writing.WaitAsync();
        await _writer.DisposeAsync();
        await _source.DisposeAsync();
        _writing.Release();
    }

    private async ValueTask<T> WriteAsync<T>(Func<PostgresWriter, Task<T>> write, CancellationToken cancellation)
    {
        _ = Writable();
        await _writing.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_fault is not null) throw _fault;
            if (!_writer.IsConnected) await ConnectAgainAsync(cancellation);
            return await write(_writer);
        }
        catch (Exception error) when (PostgresFaults.IsFault(error))
        {
            StoreException fault = PostgresFaults.From(error, _place);
            // Whatever it was, the session is not to be trusted; the next one asks what became of the commit.
            await _writer.DropAsync();
            if (!fault.IsTransient) GiveUp(fault);
            throw fault;
        }
        catch (StoreException fault) when (!fault.IsTransient)
        {
            GiveUp(fault);
            throw;
        }
        catch (OperationCanceledException)
        {
            // It may have let go of its lock, and not taken it again.
            await _writer.DropAsync();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ConnectAgainAsync(CancellationToken cancellation)
    {
        await _writer.ConnectAsync(cancellation);
        LogConnectedAgain(_options.Logger, _place);
    }

    private void GiveUp(StoreException fault)
    {
        if (_fault is not null) return;
        _fault = fault;
        LogFault(_options.Logger, _place, fault);
    }

    private PostgresReader Readable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _reader;
    }

    private PostgresReader Writable() => _options.ReadOnly
        ? throw new StoreException(StoreFault.ReadOnly,
            $"{_place} cannot be written: it was opened for reading only. Open it without ReadOnly.")
        : Readable();
}
