namespace Granary;

/// <summary>Everything a submission says besides its items; what an engine is given by a client.</summary>
public sealed record JobSpec
{
    /// <summary>Whether the items are a batch's tasks or a chain's steps.</summary>
    public required JobKind Kind { get; init; }

    /// <summary>How many tasks may run at once; from 1 up. Only a batch's is used. Default 2.</summary>
    public int MaxConcurrency { get; init; } = JobDefaults.MaxConcurrency;

    /// <summary>
    /// What the failure of one item does to the others. Only a batch's is used. Default <see
    /// cref="FailurePolicy.Continue"/>.
    /// </summary>
    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Continue;

    /// <summary>What tasks inherit that do not say otherwise.</summary>
    public TaskOptions Defaults { get; init; } = TaskOptions.Inherit;

    /// <summary>How long after its start everything must have ended; then what is left fails with
    /// <see cref="Reason.DeadlineExceeded"/>. Null, the default: no limit.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// The client's own name of this submission, at most 256 characters: the same key with the same content gives the
    /// same job again. Null, the default: every submission is a new job.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>A title for people, at most 256 characters. Default empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>How long after submission it may start. Default zero.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How long the finished job is kept. Default 7 days.</summary>
    public TimeSpan Retention { get; init; } = JobDefaults.Retention;

    /// <summary>Makes a batch open: items can be appended until it is sealed, or until nothing was appended for this
    /// long. Null, the default: the batch is complete as submitted.</summary>
    public TimeSpan? SealTimeout { get; init; }
}
