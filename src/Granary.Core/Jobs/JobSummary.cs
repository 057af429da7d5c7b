namespace Granary;

/// <summary>What a listing shows of a job, as of its last commit, and what must be found when it is loaded.</summary>
internal readonly record struct JobSummary
{
    public required JobState State { get; init; }
    public required Reason Reason { get; init; }
    public required JobCounts Counts { get; init; }
    public required int ItemCount { get; init; }
    public required int CompletionCount { get; init; }
    public required int MaxConcurrency { get; init; }
    public required bool Paused { get; init; }
    public required bool Open { get; init; }
    public required Instant? FinishedAt { get; init; }
    public required int PageCount { get; init; }
    public required int RecordCount { get; init; }

    public JobStatus ToStatus(JobHeader header) => new()
    {
        Id = header.Id,
        Spec = header.Spec,
        State = State,
        Reason = Reason,
        Counts = Counts,
        ItemCount = ItemCount,
        CompletionCount = CompletionCount,
        MaxConcurrency = MaxConcurrency,
        Paused = Paused,
        Open = Open,
        SubmittedAt = header.SubmittedAt.ToTime(),
        FinishedAt = FinishedAt?.ToTime(),
    };
}
