using Granary.Engines;

namespace Granary.Persistence;

/// <summary>What can happen to a job. Persisted: zero is invalid.</summary>
internal enum EventKind : byte
{
    /// <summary>The job and its first pages are complete; always the first event.</summary>
    Submitted = 1,

    /// <summary>The job may start.</summary>
    Begun = 2,

    /// <summary>An attempt of a task starts.</summary>
    Started = 3,

    /// <summary>A node has its outcome.</summary>
    Completed = 4,

    /// <summary>
    /// A run of neighboring leaves under one parent, none of which is running, has the same outcome without a value.
    /// </summary>
    EndedRange = 5,

    /// <summary>An attempt failed and another one follows.</summary>
    Retrying = 6,

    /// <summary>An attempt was given back unfinished by an engine that stops in good order.</summary>
    Released = 7,

    /// <summary>An attempt found no handler and waits for one.</summary>
    Parked = 8,

    /// <summary>A new holder took the job over: what was running starts again.</summary>
    Recovered = 9,

    /// <summary>Somebody asked to cancel.</summary>
    CancelRequested = 10,

    /// <summary>A deadline passed.</summary>
    Expired = 11,

    /// <summary>The pool has another size.</summary>
    Resized = 12,

    /// <summary>Nothing new starts.</summary>
    Paused = 13,

    /// <summary>Starts again.</summary>
    Resumed = 14,

    /// <summary>Pages were appended.</summary>
    Appended = 15,

    /// <summary>No more items come.</summary>
    Sealed = 16,

    /// <summary>What failed or was canceled runs again.</summary>
    RetryRequested = 17,

    /// <summary>Tasks whose handler was missing are tried again.</summary>
    Unparked = 18,

    /// <summary>An attempt died with its worker; the task starts again.</summary>
    Lost = 19,
}

/// <summary>Where an outcome's value is. Persisted: zero is invalid.</summary>
internal enum ValueKind : byte
{
    /// <summary>There is none.</summary>
    None = 1,

    /// <summary>Beside the event.</summary>
    Inline = 2,

    /// <summary>It is the value of an earlier completion, named by its ordinal.</summary>
    Earlier = 3,

    /// <summary>It is the list of the outcomes of this batch node's items.</summary>
    Items = 4,
}

/// <summary>Points at a value.</summary>
/// <param name="Kind">Where it is.</param>
/// <param name="Target">An ordinal or a node, as the kind says.</param>
internal readonly record struct ValueRef(ValueKind Kind, int Target = 0)
{
    public static readonly ValueRef None = new(ValueKind.None);
}

/// <summary>One thing that happened to a job. Applying events is the only way a job changes.</summary>
internal readonly record struct JobEvent
{
    public required EventKind Kind { get; init; }
    public required Instant At { get; init; }
    public int Node { get; init; }

    /// <summary>Attempt, pool size, length of a range or number of items, as the kind says.</summary>
    public int Number { get; init; }

    public JobState State { get; init; }
    public Reason Reason { get; init; }

    /// <summary>Position among its siblings, for nodes that are items of the job itself; otherwise −1.</summary>
    public int Item { get; init; }

    /// <summary>How long the attempt took; for what is due later, how much later.</summary>
    public TimeSpan Span { get; init; }

    public ValueRef Source { get; init; }
    public ReadOnlyMemory<byte> Value { get; init; }
    public TaskError? Error { get; init; }
    public CancelScope Scope { get; init; }

    /// <summary>Where an attempt ran; an append's key; a short form of a retried error.</summary>
    public string Text { get; init; }

    /// <summary>The first page of a submission or an append, and how many.</summary>
    public (int First, int Count) Pages { get; init; }

    /// <summary>A checksum of an append's content, to compare it when it is sent again.</summary>
    public uint ContentHash { get; init; }
}
