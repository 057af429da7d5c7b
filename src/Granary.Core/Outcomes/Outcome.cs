namespace Granary;

/// <summary>
/// How one item ended: Succeeded with a value, Failed with an error, or Canceled. Recorded once, and immutable until
/// it is retried.
/// </summary>
public sealed class Outcome
{
    /// <summary>The item's position in its batch or chain, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>
    /// The number of this completion in the job's log, from 1, without gaps; 0 for items inside other items.
    /// </summary>
    public required int Sequence { get; init; }

    /// <summary>Succeeded, Failed or Canceled.</summary>
    public required JobState State { get; init; }

    /// <summary>What the state does not say.</summary>
    public required Reason Reason { get; init; }

    /// <summary>The result as UTF-8 JSON; empty unless it succeeded.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The error; null unless it failed.</summary>
    public TaskError? Error { get; init; }

    /// <summary>Attempts started, over all retries; for a chain or batch, 1.</summary>
    public required int Attempts { get; init; }

    /// <summary>When the last attempt started; for what never started, when it ended.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long the last attempt took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Where it ran: machine and process; empty for what did not run.</summary>
    public string Place { get; init; } = "";
}
