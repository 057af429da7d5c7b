namespace Granary.Batches;

/// <summary>How an attempt came out, as its worker saw it.</summary>
internal enum AttemptEnd : byte
{
    /// <summary>The handler returned a value.</summary>
    Succeeded = 1,

    /// <summary>The handler threw, or the attempt broke a limit.</summary>
    Failed = 2,

    /// <summary>It stopped because it was asked to.</summary>
    Stopped = 3,

    /// <summary>It was asked to stop and has not within its grace.</summary>
    Abandoned = 4,

    /// <summary>There is no handler of that name here.</summary>
    NoHandler = 5,

    /// <summary>Its engine stops in good order and gives it back.</summary>
    Released = 6,

    /// <summary>Its worker is gone, or has not been heard of for too long.</summary>
    Lost = 7,
}

/// <summary>A worker's report on one attempt.</summary>
internal readonly record struct AttemptResult
{
    public static readonly AttemptResult Lost =
        new() { End = AttemptEnd.Lost, Duration = TimeSpan.Zero, Place = "" };

    public required AttemptEnd End { get; init; }
    public required TimeSpan Duration { get; init; }
    public required string Place { get; init; }
    public ReadOnlyMemory<byte> Value { get; init; }
    public TaskError? Error { get; init; }

    /// <summary>What a failure is recorded with.</summary>
    public Reason Reason { get; init; }

    /// <summary>Whether another attempt may follow a failure.</summary>
    public bool Retryable { get; init; }

    /// <summary>When it should, in place of the policy's pause.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
