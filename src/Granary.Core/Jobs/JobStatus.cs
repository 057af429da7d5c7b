namespace Granary;

/// <summary>What is known of a job at one moment. Only what is durable is counted.</summary>
public sealed record JobStatus
{
    /// <summary>The job.</summary>
    public required JobId Id { get; init; }

    /// <summary>The submission: kind, pool as submitted, key, name and so on.</summary>
    public required JobSpec Spec { get; init; }

    /// <summary>Where the job stands.</summary>
    public required JobState State { get; init; }

    /// <summary>Why it stands there.</summary>
    public required Reason Reason { get; init; }

    /// <summary>Tasks and waits by state, at every depth.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>How many items the batch has, or steps the chain has.</summary>
    public required int ItemCount { get; init; }

    /// <summary>
    /// How many completions the job's log holds, and so the highest sequence number; a retried item counts again.
    /// </summary>
    public required int CompletionCount { get; init; }

    /// <summary>The pool as it is now.</summary>
    public required int MaxConcurrency { get; init; }

    /// <summary>Whether nothing new starts until it is resumed.</summary>
    public required bool Paused { get; init; }

    /// <summary>Whether items may still be appended.</summary>
    public required bool Open { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary>When it ended; null while it goes on.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Tasks completed per second over the last ten seconds or so; zero when unknown or finished.</summary>
    public double Rate { get; init; }

    /// <summary>When it should end if it goes on at this rate; null when unknown.</summary>
    public DateTimeOffset? ExpectedEnd { get; init; }
}
