using Granary.Persistence;

namespace Granary;

/// <summary>
/// How one item ended: Succeeded with a value, Failed with an error, or Canceled. Recorded once, and immutable until
/// it is retried.
/// </summary>
public sealed class Outcome
{
    // The error, or a ValueRef if the value or the error is elsewhere or there is none: one field, since there are as
    // many of these as tasks.
    private readonly object? _detail;
    private readonly long _startedAt;

    private static readonly object s_none = ValueRef.None;

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
    public TaskError? Error
    {
        get => _detail as TaskError;
        init => _detail = value ?? _detail;
    }

    /// <summary>Attempts started, over all retries; for a chain or batch, 1.</summary>
    public required int Attempts { get; init; }

    /// <summary>When the last attempt started; for what never started, when it ended.</summary>
    public required DateTimeOffset StartedAt
    {
        get => new(_startedAt, TimeSpan.Zero);
        init => _startedAt = value.UtcTicks;
    }

    /// <summary>How long the last attempt took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Where it ran: machine and process; empty for what did not run.</summary>
    public string Place { get; init; } = "";

    /// <summary>Where the value, or the error, is.</summary>
    internal ValueRef Source
    {
        get => _detail is ValueRef source ? source : new ValueRef(_detail is null ? ValueKind.Inline : ValueKind.None);
        init
        {
            if (value.Kind != ValueKind.Inline) _detail ??= value == ValueRef.None ? s_none : value;
        }
    }
}
