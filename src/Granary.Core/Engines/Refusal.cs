namespace Granary.Engines;

/// <summary>Why a request was refused. When several apply, the first in this order is given.</summary>
public enum Refusal : byte
{
    /// <summary>Nothing is wrong.</summary>
    None = 1,

    /// <summary>A value in the request is out of its range; the message names it.</summary>
    Invalid = 2,

    /// <summary>There is no such job (any more).</summary>
    NotFound = 3,

    /// <summary>The key was used with other content; the message says what differs.</summary>
    KeyConflict = 4,

    /// <summary>The request fits only a batch.</summary>
    NotABatch = 5,

    /// <summary>The job has ended.</summary>
    Ended = 6,

    /// <summary>The batch takes no more items.</summary>
    Sealed = 7,

    /// <summary>The job has not ended, and the request fits only ended jobs.</summary>
    NotEnded = 8,

    /// <summary>No handler of that name is registered.</summary>
    NoHandler = 9,

    /// <summary>The engine is stopping or has stopped.</summary>
    Stopping = 10,
}

/// <summary>A request was refused; nothing has changed.</summary>
public sealed class RefusedException : Exception
{
    /// <summary>Makes one.</summary>
    public RefusedException(Refusal refusal, string message) : base(message) => Refusal = refusal;

    /// <summary>The reason, for programs.</summary>
    public Refusal Refusal { get; }
}

/// <summary>The sentences of refusals that need no more than the job.</summary>
internal static class Refusals
{
    /// <exception cref="RefusedException">The refusal is one.</exception>
    public static void Check(Refusal refusal, JobId job)
    {
        if (refusal != Refusal.None) throw Of(refusal, job);
    }

    public static RefusedException Of(Refusal refusal, JobId job) => new(refusal, refusal switch
    {
        Refusal.NotFound => $"There is no job {job}; it may have been removed after its retention.",
        Refusal.NotABatch => $"Job {job} is a chain; only batches have a pool and take items.",
        Refusal.Ended => $"Job {job} has ended.",
        Refusal.Sealed => $"Job {job} takes no more items: it was submitted complete, sealed, or canceled.",
        Refusal.NotEnded => $"Job {job} has not ended; retry it when it has, or cancel it first.",
        Refusal.Stopping => "The engine is stopping.",
        _ => $"Job {job}: {refusal}.",
    });
}
