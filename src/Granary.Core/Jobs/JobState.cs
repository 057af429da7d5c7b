namespace Granary;

/// <summary>Where a job, or one task, chain, batch or wait inside it, stands. Persisted: zero is invalid.</summary>
public enum JobState : byte
{
    /// <summary>Not due yet: the job's start time has not come.</summary>
    Scheduled = 1,

    /// <summary>Ready or not reached yet; the <see cref="Reason"/> says why it is not running.</summary>
    Queued = 2,

    /// <summary>
    /// A task: its handler runs and it holds a slot. A batch or chain: something in it may still happen.
    /// </summary>
    Running = 3,

    /// <summary>
    /// Waits for a time (a durable wait, a retry's back-off, a missing handler); holds no slot and no thread.
    /// </summary>
    Waiting = 4,

    /// <summary>
    /// Asked to stop by a cancel or a deadline, and not stopped yet. (An attempt that its own timeout has signaled is
    /// Running until it stops or is given up: it may be tried again.)
    /// </summary>
    Canceling = 5,

    /// <summary>Ended with a value.</summary>
    Succeeded = 6,

    /// <summary>Ended with an error.</summary>
    Failed = 7,

    /// <summary>Ended because somebody asked, or because what came before it failed.</summary>
    Canceled = 8,
}

/// <summary>What can be asked of a <see cref="JobState"/>.</summary>
public static class JobStates
{
    /// <summary>Whether the state is final: Succeeded, Failed or Canceled.</summary>
    public static bool IsEnd(this JobState state) => state >= JobState.Succeeded;
}
