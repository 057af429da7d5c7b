namespace Granary;

/// <summary>How a chain runs. Every setting has a default.</summary>
public sealed record ChainOptions
{
    /// <summary>Retries, timeouts and so on of the steps that do not say otherwise, after what the chain itself says
    /// (<see cref="Chain.With"/>). Default: one attempt, no timeout.</summary>
    public TaskOptions Defaults { get; init; } = TaskOptions.Inherit;

    /// <summary>How long after its start everything must have ended; then what is left fails with
    /// <see cref="Reason.DeadlineExceeded"/>. Null, the default: what the <see cref="ChainItem.Deadline"/> says, or
    /// no limit.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Your own name of this submission, at most 256 characters. The same key with the same content gives
    /// the same chain again, so that starting is safe to retry; other content is refused. Null, the default: always a
    /// new chain.</summary>
    public string? Key { get; init; }

    /// <summary>A title for people, at most 256 characters. Default empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>How long after submission it may start. Default zero.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How long the finished chain is kept. Default 7 days.</summary>
    public TimeSpan Retention { get; init; } = JobDefaults.Retention;

    internal JobSpec ToSpec(ChainItem chain) => SpecChecks.Check(nameof(ChainOptions), new JobSpec
    {
        Kind = JobKind.Chain,
        Defaults = chain.Defaults.Over(Defaults),
        Deadline = Deadline ?? chain.Deadline,
        Key = Key,
        Name = Name,
        Delay = Delay,
        Retention = Retention,
    });
}
