namespace Granary;

/// <summary>A task's settings with everything inherited filled in. Tasks share profiles; a job has few.</summary>
internal sealed record TaskProfile
{
    public required string Handler { get; init; }
    public required int Retries { get; init; }
    public required TimeSpan Backoff { get; init; }
    public required TimeSpan MaxBackoff { get; init; }
    public required TimeSpan? Timeout { get; init; }
    public required TimeSpan? Deadline { get; init; }
    public required TimeSpan CancelGrace { get; init; }
    public required int MaxInterruptions { get; init; }

    public static TaskProfile Resolve(string handler, TaskOptions options) => new()
    {
        Handler = handler,
        Retries = options.Retries ?? 0,
        Backoff = options.Backoff ?? TimeSpan.FromSeconds(1),
        MaxBackoff = options.MaxBackoff ?? TimeSpan.FromMinutes(1),
        Timeout = Limit(options.Timeout),
        Deadline = Limit(options.Deadline),
        CancelGrace = options.CancelGrace ?? JobDefaults.CancelGrace,
        MaxInterruptions = options.MaxInterruptions ?? JobDefaults.MaxInterruptions,
    };

    private static TimeSpan? Limit(TimeSpan? time) => time == System.Threading.Timeout.InfiniteTimeSpan ? null : time;
}
