using Granary.Activations;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// What the activations of one silo run on: the thread pool for turns, so that none runs inside a grain's own, and one
/// group commit for all of them. When the store breaks, the group commit is replaced: activations end, and load what
/// is durable again.
/// </summary>
internal sealed class ClusterThreads : IEngineThreads
{
    private readonly IJobStore _store;
    private readonly Action<Exception> _onFault;
    private readonly EngineLoop _loop;
    private volatile GroupCommit _commit;

    public ClusterThreads(IJobStore store, TimeProvider time, Action<Exception> onFault)
    {
        (_store, _onFault) = (store, onFault);
        _loop = new EngineLoop(time);
        _commit = NewCommit();
    }

    public StoreFault? Blocked => _commit.Blocked;

    public TimeProvider Clock => TimeProvider.System;

    public void Schedule(Activation activation) => _loop.Schedule(activation);

    public void ScheduleHere(Activation activation) =>
        ThreadPool.UnsafeQueueUserWorkItem(static a => a.TakeTurns(), activation, preferLocal: true);

    public void ScheduleAt(Activation activation, Instant at) => _loop.ScheduleAt(activation, at);

    public void FlushLazily(Activation activation) => _loop.FlushLazily(activation);

    public void Run(IThreadPoolWorkItem attempt) => ThreadPool.UnsafeQueueUserWorkItem(attempt, preferLocal: false);

    public void Commit(IPendingWrite source) => _commit.Submit(source);

    public Task<WriteResult> CommitAsync(JobWrite write, CancellationToken cancellation) =>
        _commit.SubmitAsync(write, cancellation);

    public async ValueTask DisposeAsync()
    {
        _loop.Dispose();
        await _commit.DisposeAsync();
    }

    private GroupCommit NewCommit() => new(_store, TimeProvider.System, Replace);

    // On the thread of the one that broke, before it refuses what waits for it.
    private void Replace(Exception fault)
    {
        GroupCommit broken = _commit;
        _commit = NewCommit();
        _ = broken.DisposeAsync().AsTask();
        _onFault(fault);
    }
}
