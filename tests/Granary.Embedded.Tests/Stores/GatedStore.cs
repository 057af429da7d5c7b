using Granary.Engines;
using Granary.Stores;

namespace Granary.Embedded.Tests.Stores;

/// <summary>A memory store whose next commit can be held, and whose commits can be made to fail.</summary>
internal sealed class GatedStore : IJobStore
{
    private readonly MemoryJobStore _inner = new();
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _released = new(0);
    private volatile bool _hold;
    private volatile StoreException? _fault;

    /// <summary>The sizes of the groups committed.</summary>
    public List<int> Groups { get; } = [];

    /// <summary>The thread of the last commit.</summary>
    public int CommitThread { get; private set; }

    /// <summary>What commits throw; null for none.</summary>
    public StoreException? Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>Makes the next commit wait.</summary>
    public void Hold() => _hold = true;

    /// <summary>Ends when the held commit has begun.</summary>
    public Task Entered() => _entered.WaitAsync();

    /// <summary>Lets the held commit go on.</summary>
    public void Release() => _released.Release();

    public async ValueTask<WriteResult[]> CommitAsync(IReadOnlyList<JobWrite> writes, CancellationToken cancellation)
    {
        CommitThread = Environment.CurrentManagedThreadId;
        if (_hold)
        {
            _hold = false;
            _entered.Release();
            await _released.WaitAsync(cancellation);
        }
        if (_fault is { } fault) throw fault;
        Groups.Add(writes.Count);
        return await _inner.CommitAsync(writes, cancellation);
    }

    public ValueTask<StoredJob?> LoadAsync(JobId job, CancellationToken cancellation) =>
        _inner.LoadAsync(job, cancellation);

    public ValueTask<StoredJob?> AcquireAsync(JobId job, CancellationToken cancellation) =>
        _inner.AcquireAsync(job, cancellation);

    public ValueTask<JobId?> FindAsync(string key, CancellationToken cancellation) =>
        _inner.FindAsync(key, cancellation);

    public ValueTask<IReadOnlyList<StoredPage>> ReadPagesAsync(
        JobId job, int from, int max, bool withArgs, CancellationToken cancellation) =>
        _inner.ReadPagesAsync(job, from, max, withArgs, cancellation);

    public ValueTask<IReadOnlyList<StoredRecord>> ReadRecordsAsync(
        JobId job, int from, int max, bool withValues, CancellationToken cancellation) =>
        _inner.ReadRecordsAsync(job, from, max, withValues, cancellation);

    public ValueTask<IReadOnlyList<StoredJob>> ListAsync(JobQuery query, CancellationToken cancellation) =>
        _inner.ListAsync(query, cancellation);

    public ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, int max, CancellationToken cancellation) =>
        _inner.ListLiveAsync(after, max, cancellation);

    /// <summary>What happens between the listing of expired jobs and the answer.</summary>
    public Func<IReadOnlyList<JobId>, Task>? Listed { get; set; }

    public async ValueTask<IReadOnlyList<JobId>> ListExpiredAsync(
        DateTimeOffset now, int max, CancellationToken cancellation)
    {
        IReadOnlyList<JobId> jobs = await _inner.ListExpiredAsync(now, max, cancellation);
        if (Listed is { } listed) await listed(jobs);
        return jobs;
    }

    public ValueTask<IReadOnlyList<JobId>> ListDueAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) => _inner.ListDueAsync(now, max, cancellation);

    public ValueTask<IReadOnlyList<JobId>> PostponeAsync(
        IReadOnlyList<HeldJob> held, DateTimeOffset dueAt, CancellationToken cancellation) =>
        _inner.PostponeAsync(held, dueAt, cancellation);

    public ValueTask<IReadOnlyList<JobId>> ListStagedAsync(
        DateTimeOffset now, int max, CancellationToken cancellation) => _inner.ListStagedAsync(now, max, cancellation);

    public ValueTask<bool> RemoveAsync(JobId job, int maxRows, CancellationToken cancellation) =>
        _inner.RemoveAsync(job, maxRows, cancellation);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
