namespace Granary;

/// <summary>How a batch runs. Every setting has a default, so <c>new() { MaxConcurrency = 5 }</c> is enough.</summary>
public sealed record BatchOptions
{
    /// <summary>How many tasks may run at once, everything nested below the batch included; 1 to 1,000,000. Default 2.
    /// Can be changed while the batch runs: <see cref="BatchHandle{T}.ResizePoolAsync"/>.</summary>
    public int MaxConcurrency { get; init; } = JobDefaults.MaxConcurrency;

    /// <summary>What the failure of one item does to the others. Default <see cref="FailurePolicy.Continue"/>:
    /// nothing.</summary>
    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Continue;

    /// <summary>Retries, timeouts and so on of the tasks that do not say otherwise. Default: one attempt, no
    /// timeout.</summary>
    public TaskOptions Defaults { get; init; } = TaskOptions.Inherit;

    /// <summary>How long after its start everything must have ended; then what is left fails with
    /// <see cref="Reason.DeadlineExceeded"/>. Null, the default: no limit.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Your own name of this submission, at most 256 characters. The same key with the same content gives
    /// the same batch again, so that starting is safe to retry; other content is refused. Null, the default: always a
    /// new batch.</summary>
    public string? Key { get; init; }

    /// <summary>A title for people, at most 256 characters. Default empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>How long after submission it may start. Default zero.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How long the finished batch is kept. Default 7 days.</summary>
    public TimeSpan Retention { get; init; } = JobDefaults.Retention;

    /// <summary>Opens the batch:
    /// <see cref="BatchHandle{T}.AppendAsync{TArgs}(string, IEnumerable{TArgs}, string?, CancellationToken)"/> adds
    /// items until <see cref="BatchHandle{T}.SealAsync"/>, or until nothing was appended for this long. Null, the
    /// default: the batch is complete as submitted.</summary>
    public TimeSpan? SealTimeout { get; init; }

    internal JobSpec ToSpec() => SpecChecks.Check(nameof(BatchOptions), new JobSpec
    {
        Kind = JobKind.Batch,
        MaxConcurrency = MaxConcurrency,
        OnFailure = OnFailure,
        Defaults = Defaults,
        Deadline = Deadline,
        Key = Key,
        Name = Name,
        Delay = Delay,
        Retention = Retention,
        SealTimeout = SealTimeout,
    });
}
