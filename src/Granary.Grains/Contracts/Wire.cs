namespace Granary.Grains;

/// <summary>Which grain holds a job.</summary>
/// <param name="Id">The job; 0 for none.</param>
/// <param name="Kind">Batch or chain.</param>
[GenerateSerializer, Immutable, Alias("granary.JobName")]
internal readonly record struct JobName([property: Id(0)] long Id, [property: Id(1)] byte Kind);

/// <summary>A part of a submission.</summary>
[GenerateSerializer, Immutable, Alias("granary.SubmitChunk")]
internal sealed record SubmitChunk
{
    /// <summary>The encoded header.</summary>
    [Id(0)]
    public required byte[] Header { get; init; }

    [Id(1)]
    public required PageWire[] Pages { get; init; }

    /// <summary>The number of the first page here; 0 begins the submission.</summary>
    [Id(2)]
    public required int FirstPage { get; init; }

    [Id(3)]
    public required bool IsLast { get; init; }

    /// <summary>Items so far.</summary>
    [Id(4)]
    public required int ItemCount { get; init; }
}

/// <summary>What became of a part of a submission. Zero is invalid.</summary>
internal enum SubmitAnswer : byte
{
    /// <summary>It is in; go on.</summary>
    Taken = 1,

    /// <summary>The job is live and durable.</summary>
    Live = 2,

    /// <summary>Another job has the key.</summary>
    KeyTaken = 3,

    /// <summary>Another job has the id.</summary>
    IdTaken = 4,

    /// <summary>The parts before were lost with their silo: nothing comes of this submission.</summary>
    Lost = 5,
}

[GenerateSerializer, Immutable, Alias("granary.Page")]
internal readonly record struct PageWire(
    [property: Id(0)] int Number, [property: Id(1)] byte[] Shape, [property: Id(2)] byte[] Args);

/// <summary>A job's standing: the encoded header and summary, and what only the holder knows.</summary>
[GenerateSerializer, Immutable, Alias("granary.Status")]
internal readonly record struct StatusWire(
    [property: Id(0)] long Job, [property: Id(1)] byte[] Header, [property: Id(2)] byte[] Summary,
    [property: Id(3)] double Rate, [property: Id(4)] DateTimeOffset? ExpectedEnd);

[GenerateSerializer, Immutable, Alias("granary.Outcome")]
internal sealed record OutcomeWire
{
    [Id(0)]
    public int Index { get; init; }

    [Id(1)]
    public int Sequence { get; init; }

    [Id(2)]
    public byte State { get; init; }

    [Id(3)]
    public byte Reason { get; init; }

    [Id(4)]
    public byte[] Value { get; init; } = [];

    [Id(5)]
    public ErrorWire? Error { get; init; }

    [Id(6)]
    public int Attempts { get; init; }

    [Id(7)]
    public DateTimeOffset StartedAt { get; init; }

    [Id(8)]
    public TimeSpan Duration { get; init; }

    [Id(9)]
    public string Place { get; init; } = "";
}

[GenerateSerializer, Immutable, Alias("granary.Error")]
internal sealed record ErrorWire(
    [property: Id(0)] string Type, [property: Id(1)] string Message, [property: Id(2)] string Detail,
    [property: Id(3)] byte[] Data);

[GenerateSerializer, Immutable, Alias("granary.Completions")]
internal readonly record struct CompletionsWire(
    [property: Id(0)] OutcomeWire[] Outcomes, [property: Id(1)] bool Ended);

[GenerateSerializer, Immutable, Alias("granary.Pending")]
internal sealed record PendingWire
{
    [Id(0)]
    public int Node { get; init; }

    [Id(1)]
    public string Path { get; init; } = "";

    [Id(2)]
    public string Handler { get; init; } = "";

    [Id(3)]
    public byte State { get; init; }

    [Id(4)]
    public byte Reason { get; init; }

    [Id(5)]
    public int Attempts { get; init; }

    [Id(6)]
    public DateTimeOffset? DueAt { get; init; }

    [Id(7)]
    public DateTimeOffset? StartedAt { get; init; }

    [Id(8)]
    public ProgressWire? Progress { get; init; }

    [Id(9)]
    public string LastError { get; init; } = "";
}

[GenerateSerializer, Immutable, Alias("granary.Progress")]
internal readonly record struct ProgressWire([property: Id(0)] double Fraction, [property: Id(1)] string Note);

[GenerateSerializer, Immutable, Alias("granary.Span")]
internal readonly record struct SpanWire(
    [property: Id(0)] int Node, [property: Id(1)] string Path, [property: Id(2)] string Handler,
    [property: Id(3)] int Attempt, [property: Id(4)] byte State, [property: Id(5)] byte Reason,
    [property: Id(6)] DateTimeOffset Start, [property: Id(7)] DateTimeOffset? End);

/// <summary>An item to append: a task, a chain or a batch, as the fields that are set say.</summary>
[GenerateSerializer, Immutable, Alias("granary.Item")]
internal sealed record ItemWire
{
    [Id(0)]
    public byte Kind { get; init; }

    /// <summary>A task's.</summary>
    [Id(1)]
    public string Handler { get; init; } = "";

    /// <summary>A task's.</summary>
    [Id(2)]
    public byte[] Args { get; init; } = [];

    /// <summary>A task's, or the defaults of a chain or batch.</summary>
    [Id(3)]
    public OptionsWire? Options { get; init; }

    /// <summary>Steps or items.</summary>
    [Id(4)]
    public ItemWire[] Children { get; init; } = [];

    [Id(5)]
    public int MaxConcurrency { get; init; }

    [Id(6)]
    public byte OnFailure { get; init; }

    [Id(7)]
    public TimeSpan? Deadline { get; init; }

    /// <summary>A wait's.</summary>
    [Id(8)]
    public TimeSpan Wait { get; init; }
}

[GenerateSerializer, Immutable, Alias("granary.Options")]
internal sealed record OptionsWire(
    [property: Id(0)] int? Retries, [property: Id(1)] TimeSpan? Backoff, [property: Id(2)] TimeSpan? MaxBackoff,
    [property: Id(3)] TimeSpan? Timeout, [property: Id(4)] TimeSpan? Deadline, [property: Id(5)] TimeSpan? CancelGrace,
    [property: Id(6)] int? MaxInterruptions);
