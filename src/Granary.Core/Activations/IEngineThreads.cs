using Granary.Stores;

namespace Granary.Activations;

/// <summary>What an engine's work runs on: real threads, or the one thread of a simulation.</summary>
internal interface IEngineThreads : IAsyncDisposable
{
    /// <summary>Why commits are held back; null when all is well.</summary>
    StoreFault? Blocked { get; }

    /// <summary>
    /// The time that the engine itself keeps, for its pauses and its patience: real time, whatever clock the jobs
    /// have.
    /// </summary>
    TimeProvider Clock { get; }

    /// <summary>Gives the activation a turn soon.</summary>
    void Schedule(Activation activation);

    /// <summary>Takes the activation's turns on this thread, now.</summary>
    void ScheduleHere(Activation activation);

    /// <summary>Called in a turn: give this one a turn at that time.</summary>
    void ScheduleAt(Activation activation, Instant at);

    /// <summary>Called in a turn: flush this one when there is nothing else to do.</summary>
    void FlushLazily(Activation activation);

    /// <summary>Runs a handler.</summary>
    void Run(IThreadPoolWorkItem attempt);

    /// <summary>Asks that the source's write is taken and committed.</summary>
    void Commit(IPendingWrite source);

    /// <summary>Commits one write.</summary>
    Task<WriteResult> CommitAsync(JobWrite write, CancellationToken cancellation);
}
