namespace Granary;

/// <summary>
/// Says what a state alone does not: why something ended as it did, or why it is not running. Persisted: zero is
/// invalid.
/// </summary>
public enum Reason : byte
{
    /// <summary>The state says it all.</summary>
    None = 1,

    /// <summary>
    /// Failed: the last attempt ran longer than its timeout. The error says if it had not stopped within its grace
    /// either.
    /// </summary>
    TimedOut = 2,

    /// <summary>Canceled: an earlier step of the chain did not succeed.</summary>
    UpstreamFailed = 3,

    /// <summary>Canceled before its first attempt started.</summary>
    BeforeStart = 4,

    /// <summary>Canceled: the handler was signaled and stopped.</summary>
    Stopped = 5,

    /// <summary>Canceled, and the handler had not stopped when its grace had passed; it may still be running.</summary>
    Abandoned = 6,

    /// <summary>Succeeded or failed by itself after it had been asked to stop.</summary>
    FinishedAnyway = 7,

    /// <summary>Failed: the deadline of the task, its batch, its chain or its job passed.</summary>
    DeadlineExceeded = 8,

    /// <summary>Failed: the result was larger than the limit.</summary>
    ResultTooLarge = 9,

    /// <summary>Failed: the result could not be written as JSON.</summary>
    ResultNotSerializable = 10,

    /// <summary>Waiting for, or failed for want of, a handler of that name.</summary>
    NoHandler = 11,

    /// <summary>
    /// Failed: the process died under it more often than <see cref="TaskOptions.MaxInterruptions"/> allows.
    /// </summary>
    Interrupted = 12,

    /// <summary>
    /// A batch failed because a task failed and its policy is <see cref="FailurePolicy.CancelPending"/>; or a task
    /// was canceled for that.
    /// </summary>
    SiblingFailed = 13,

    /// <summary>An open batch was ended by its seal timeout.</summary>
    SealTimedOut = 14,

    /// <summary>Canceled between two attempts.</summary>
    BetweenAttempts = 15,

    /// <summary>Queued: every slot of its batch, or of a batch around it, is taken.</summary>
    PoolFull = 16,

    /// <summary>Queued: its batch, or one around it, is paused.</summary>
    Paused = 17,

    /// <summary>Waiting for the next attempt.</summary>
    RetryBackoff = 18,

    /// <summary>Waiting for the time a durable wait ends.</summary>
    DurableWait = 19,

    /// <summary>Queued: an earlier step of its chain has not succeeded yet.</summary>
    Upstream = 20,

    /// <summary>Scheduled: the job's start time has not come.</summary>
    NotDue = 21,

    /// <summary>Running: a batch or chain waits for what is in it.</summary>
    Children = 22,

    /// <summary>Running: an open batch waits for more items or its seal.</summary>
    Open = 23,

    /// <summary>Queued: it may start at any moment, or its engine is not running.</summary>
    Ready = 24,
}
