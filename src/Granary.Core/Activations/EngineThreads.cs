using Granary.Stores;

namespace Granary.Activations;

/// <summary>
/// The thread pool for handlers, a thread for the commits, and one for the turns that no other thread takes: so
/// handlers that block or burn the thread pool never hold up the engine.
/// </summary>
internal sealed class EngineThreads(IJobStore store, TimeProvider time, Action<Exception> onFault) : IEngineThreads
{
    private readonly EngineLoop _loop = new(time);

    private readonly GroupCommit _commit = new(store, TimeProvider.System, onFault);

    public StoreFault? Blocked => _commit.Blocked;

    public TimeProvider Clock => TimeProvider.System;

    public void Schedule(Activation activation) => _loop.Schedule(activation);

    public void ScheduleHere(Activation activation) => activation.TakeTurns();

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
}
