using Granary.Batches;
using Granary.Workers;

namespace Granary.Activations;

/// <summary>
/// The running attempts of one activation, here or on workers elsewhere. Used in the activation's turns only; what
/// comes back from a handler comes as a message to the activation (<see cref="TryHandle"/>).
/// </summary>
internal interface IAttemptSet
{
    /// <summary>How many there are; may be read from any thread.</summary>
    int Count { get; }

    /// <summary>When one of them must be looked at.</summary>
    Instant NextDue { get; }

    /// <summary>Whether new ones may be started: others may hold the job by now unless that was made sure of.</summary>
    bool MayStart { get; }

    /// <summary>What a running task last reported.</summary>
    TaskProgress? ProgressOf(int node);

    /// <summary>The activation has loaded a job that attempts may still be running of.</summary>
    void Recover(Instant now);

    /// <summary>Starts an attempt that the machine has decided on.</summary>
    void Start(Effect start, Instant now);

    /// <summary>Takes a message that is about attempts.</summary>
    /// <returns>Whether it is.</returns>
    bool TryHandle(object message, Instant now);

    /// <summary>Looks at those that are due.</summary>
    void Tick(Instant now);

    /// <summary>Stops the attempt on a node, if it runs.</summary>
    void Stop(int node, StopCause cause, Instant now);

    /// <summary>Stops all.</summary>
    void StopAll(StopCause cause, Instant now);

    /// <summary>The activation has died: nothing is reported to it any more.</summary>
    void Abandon();
}
