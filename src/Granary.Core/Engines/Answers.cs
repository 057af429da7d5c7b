namespace Granary.Engines;

/// <summary>The answer to a submission.</summary>
/// <param name="Job">The job.</param>
/// <param name="Existed">Whether the key named a job that was there already, with the same content.</param>
public sealed record Submission(JobId Job, bool Existed);

/// <summary>The answer to an append.</summary>
/// <param name="FirstIndex">The index of the first item appended.</param>
/// <param name="Count">How many items.</param>
public sealed record AppendReceipt(int FirstIndex, int Count);

/// <summary>Which jobs to list.</summary>
public sealed record JobQuery
{
    /// <summary>Only jobs in this state; null for all.</summary>
    public JobState? State { get; init; }

    /// <summary>Only jobs older than this one; null to begin with the newest.</summary>
    public JobId? Before { get; init; }

    /// <summary>At most so many; 1 to 1,000. Default 50.</summary>
    public int Max { get; init; } = 50;
}

/// <summary>Some jobs, newest first.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="Next">What to set <see cref="JobQuery.Before"/> to for the next page; null at the end.</param>
public sealed record JobPage(IReadOnlyList<JobStatus> Jobs, JobId? Next);

/// <summary>Some completions.</summary>
/// <param name="Outcomes">In the order of their sequence numbers.</param>
/// <param name="Ended">Whether the job has ended and this page reaches the end of its log: nothing follows unless it
/// is retried.</param>
public sealed record CompletionPage(IReadOnlyList<Outcome> Outcomes, bool Ended);

/// <summary>One task or wait that has not ended.</summary>
public sealed record PendingTask
{
    /// <summary>Its place in the whole job, counted from 0 through everything nested.</summary>
    public required int Node { get; init; }

    /// <summary>Its indexes from the job down, such as <c>7</c> or <c>7.2.0</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The handler's name; empty for a wait.</summary>
    public required string Handler { get; init; }

    /// <summary>Where it stands.</summary>
    public required JobState State { get; init; }

    /// <summary>Why it is not running.</summary>
    public required Reason Reason { get; init; }

    /// <summary>Attempts started so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>When a waiting one is due.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When the running attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>What a running one last reported.</summary>
    public TaskProgress? Progress { get; init; }

    /// <summary>Why the attempt before failed.</summary>
    public string LastError { get; init; } = "";
}

/// <summary>One attempt of a task, or one wait or back-off, on the time axis.</summary>
/// <param name="Node">Its place in the whole job.</param>
/// <param name="Path">Its indexes from the job down.</param>
/// <param name="Handler">The handler's name; empty for a wait.</param>
/// <param name="Attempt">Which attempt, from 1; 0 for a wait.</param>
/// <param name="State">Running for what goes on, Waiting for a wait or back-off, otherwise how the attempt ended; an
/// attempt that is followed by another has Failed.</param>
/// <param name="Reason">What the state does not say.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ended; null while it goes on.</param>
public sealed record TimelineSpan(
    int Node, string Path, string Handler, int Attempt, JobState State, Reason Reason, DateTimeOffset Start,
    DateTimeOffset? End);

/// <summary>How far a cancel reaches.</summary>
public enum CancelScope : byte
{
    /// <summary>What has not started.</summary>
    Pending = 1,

    /// <summary>What runs, too.</summary>
    All = 2,
}
