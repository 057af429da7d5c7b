namespace Granary;

/// <summary>
/// How one task is tried. What is null is inherited: from the batch or chain around it, then the next one out, then the
/// defaults named here.
/// </summary>
public sealed record TaskOptions
{
    /// <summary>Says nothing: everything is inherited.</summary>
    public static TaskOptions Inherit { get; } = new();

    /// <summary>How many more attempts follow a failed one; 0 to 10,000. Default 0.</summary>
    public int? Retries { get; init; }

    /// <summary>The upper bound of the pause before the first retry; it doubles with each further one (exponential
    /// back-off), and the pause is drawn from zero up to it (full jitter). Default 1 second.
    /// Formula: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/</summary>
    public TimeSpan? Backoff { get; init; }

    /// <summary>The cap of that bound. Default 1 minute.</summary>
    public TimeSpan? MaxBackoff { get; init; }

    /// <summary>
    /// How long one attempt may run; then it is asked to stop and counts as failed (<see cref="Reason.TimedOut"/>).
    /// Default: no limit, expressed as <see cref="Timeout.InfiniteTimeSpan"/> where a limit around it is to be
    /// lifted.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// How long after its first attempt started the task must have ended, all attempts and pauses included. Default:
    /// no limit.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>How long a running attempt that was asked to stop may go on before it is given up
    /// (<see cref="Reason.Abandoned"/>). Default 10 seconds.</summary>
    public TimeSpan? CancelGrace { get; init; }

    /// <summary>
    /// How many attempts may die with their process before the task fails with <see cref="Reason.Interrupted"/>.
    /// Before that, it is given a last chance while nothing else of its job runs. Default 5.
    /// </summary>
    public int? MaxInterruptions { get; init; }

    /// <summary>These options, with what they leave open taken from <paramref name="outer"/>.</summary>
    public TaskOptions Over(TaskOptions outer) => ReferenceEquals(this, Inherit) ? outer : new()
    {
        Retries = Retries ?? outer.Retries,
        Backoff = Backoff ?? outer.Backoff,
        MaxBackoff = MaxBackoff ?? outer.MaxBackoff,
        Timeout = Timeout ?? outer.Timeout,
        Deadline = Deadline ?? outer.Deadline,
        CancelGrace = CancelGrace ?? outer.CancelGrace,
        MaxInterruptions = MaxInterruptions ?? outer.MaxInterruptions,
    };
}
