namespace Granary.Cli;

/// <summary>What <c>granary run</c> was told.</summary>
internal sealed record RunOptions
{
    public string? JobFile { get; init; }

    public string? Exec { get; init; }

    public string? Http { get; init; }

    public string? Task { get; init; }

    public string? Args { get; init; }

    public string? From { get; init; }

    public bool Shell { get; init; }

    public int? Concurrency { get; init; }

    public string? Key { get; init; }

    public string? Out { get; init; }

    public bool Ordered { get; init; }

    public bool FailFast { get; init; }

    public int? Retries { get; init; }

    public TimeSpan? Timeout { get; init; }

    public bool Quiet { get; init; }

    public required string Database { get; init; }
}
