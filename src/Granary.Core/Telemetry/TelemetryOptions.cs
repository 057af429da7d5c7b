namespace Granary;

/// <summary>What an engine's spans hold. Metrics need no options.</summary>
public sealed record TelemetryOptions
{
    /// <summary>
    /// A job of up to so many items, at every depth, is one trace: its attempts are children of the submission. In a
    /// larger one each attempt begins a trace of its own, linked to the submission, and the later steps of a chain
    /// belong to the trace of its first. 0 for links always; <see cref="int.MaxValue"/> for one trace always. Default
    /// 1,000.
    /// </summary>
    public int MaxItemsPerTrace { get; init; } = 1_000;

    /// <summary>
    /// How many characters of a task's arguments, of its result and of an error's message its span holds; up to
    /// 65,536. 0, the default: none of them ever appears.
    /// </summary>
    public int MaxContentLength { get; init; }

    internal void Check()
    {
        if (MaxItemsPerTrace < 0)
            throw new ArgumentException(
                $"MaxItemsPerTrace is {MaxItemsPerTrace}; set it to 0 or more.", nameof(MaxItemsPerTrace));
        if (MaxContentLength is < 0 or > 65_536)
            throw new ArgumentException(
                $"MaxContentLength is {MaxContentLength}; set it to 0 to 65,536 characters.",
                nameof(MaxContentLength));
    }
}
