namespace Granary.Grains;

/// <summary>Names an attempt for ever: what speaks of another attempt is of no concern.</summary>
[GenerateSerializer, Immutable, Alias("granary.AttemptName")]
internal readonly record struct AttemptName(
    [property: Id(0)] JobName Job, [property: Id(1)] int Node, [property: Id(2)] int Number);

/// <summary>Everything that a worker needs for one attempt.</summary>
[GenerateSerializer, Immutable, Alias("granary.TaskStart")]
internal sealed record TaskStart
{
    [Id(0)]
    public required AttemptName Attempt { get; init; }

    [Id(1)]
    public required int Index { get; init; }

    [Id(2)]
    public required string Handler { get; init; }

    [Id(3)]
    public required byte[] Args { get; init; }

    [Id(4)]
    public required byte[] Input { get; init; }

    [Id(5)]
    public required TimeSpan? Timeout { get; init; }

    [Id(6)]
    public required TimeSpan CancelGrace { get; init; }

    /// <summary>Where the attempt belongs in a trace; null where nobody asks.</summary>
    [Id(7)]
    public TraceWire? Trace { get; init; }
}

[GenerateSerializer, Immutable, Alias("granary.Trace")]
internal readonly record struct TraceWire(
    [property: Id(0)] string Path, [property: Id(1)] TraceContextWire Parent, [property: Id(2)] TraceContextWire Link);

/// <summary>As the W3C's trace context writes it.</summary>
[GenerateSerializer, Immutable, Alias("granary.TraceContext")]
internal readonly record struct TraceContextWire(
    [property: Id(0)] string? Parent, [property: Id(1)] string? State);

/// <summary>A worker's answer to a start. Zero is invalid.</summary>
internal enum StartAnswer : byte
{
    /// <summary>It runs here.</summary>
    Started = 1,

    /// <summary>Another task runs here: ask another worker.</summary>
    Busy = 2,

    /// <summary>This silo is stopping: ask another worker.</summary>
    Draining = 3,
}

/// <summary>How an attempt ended, as its worker saw it.</summary>
[GenerateSerializer, Immutable, Alias("granary.AttemptReport")]
internal sealed record AttemptReport
{
    [Id(0)]
    public required int Node { get; init; }

    [Id(1)]
    public required int Number { get; init; }

    [Id(2)]
    public required byte End { get; init; }

    [Id(3)]
    public required TimeSpan Duration { get; init; }

    [Id(4)]
    public required string Place { get; init; }

    [Id(5)]
    public required byte[] Value { get; init; }

    [Id(6)]
    public required ErrorWire? Error { get; init; }

    [Id(7)]
    public required byte Reason { get; init; }

    [Id(8)]
    public required bool Retryable { get; init; }

    [Id(9)]
    public required TimeSpan? RetryAfter { get; init; }

    /// <summary>The worker: another's report on the same attempt is of no concern.</summary>
    [Id(10)]
    public required string Worker { get; init; }

    /// <summary>The attempt's own span, where there is one.</summary>
    [Id(11)]
    public TraceContextWire Span { get; init; }
}

/// <summary>What one silo runs for one job.</summary>
[GenerateSerializer, Immutable, Alias("granary.Heartbeat")]
internal sealed record Heartbeat(
    [property: Id(0)] SiloAddress Silo, [property: Id(1)] RunningWire[] Running);

[GenerateSerializer, Immutable, Alias("granary.Running")]
internal readonly record struct RunningWire(
    [property: Id(0)] int Node, [property: Id(1)] int Number, [property: Id(2)] string Worker,
    [property: Id(3)] ProgressWire? Progress);

/// <summary>Asks a worker's silo to stop an attempt.</summary>
[GenerateSerializer, Immutable, Alias("granary.StopOrder")]
internal readonly record struct StopOrder(
    [property: Id(0)] int Node, [property: Id(1)] int Number, [property: Id(2)] byte Cause);
