namespace Granary;

/// <summary>Every default and limit of Granary in one place.</summary>
public static class JobDefaults
{
    /// <summary>
    /// Tasks of a batch that run at once unless it says otherwise: 2, so that work overlaps without surprising
    /// anyone.
    /// </summary>
    public const int MaxConcurrency = 2;

    /// <summary>The largest pool: 1,000,000 tasks at once.</summary>
    public const int MaxConcurrencyLimit = 1_000_000;

    /// <summary>How deep batches and chains nest: 32 levels, the job itself being the first.</summary>
    public const int MaxDepth = 32;

    /// <summary>
    /// The most nodes (tasks, waits, chains, batches) of one job: 100 million, so that positions stay 32-bit numbers.
    /// </summary>
    public const int MaxNodes = 100_000_000;

    /// <summary>The longest key, name or handler name, in characters.</summary>
    public const int MaxNameLength = 256;

    /// <summary>
    /// The largest arguments of one task, in bytes of JSON, unless the engine is set otherwise: 1 MiB.
    /// </summary>
    public const int MaxArgumentBytes = 1 << 20;

    /// <summary>The largest result of one task, in bytes of JSON, unless the engine is set otherwise: 1 MiB.</summary>
    public const int MaxResultBytes = 1 << 20;

    /// <summary>The most that is kept of one error's text, in characters: 16,384.</summary>
    public const int MaxErrorLength = 16_384;

    /// <summary>How long a finished job is kept: 7 days.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    /// <summary>How long a task may go on after it was asked to stop, before it is given up: 10 seconds.</summary>
    public static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(10);

    /// <summary>The longest time that any setting may name: 10,000 days.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromDays(10_000);

    /// <summary>Attempts that may die with their process before the task is given up: 5.</summary>
    public const int MaxInterruptions = 5;

    /// <summary>How long a task waits for a handler that is not registered before it fails: 1 hour.</summary>
    public static readonly TimeSpan MissingHandlerTimeout = TimeSpan.FromHours(1);
}
