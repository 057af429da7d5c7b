using System.Text;

namespace Granary;

/// <summary>Results were asked for, and some items did not succeed.</summary>
public sealed class BatchFailedException : Exception
{
    private const int Listed = 5;

    internal BatchFailedException(JobId job, int count, IReadOnlyList<FailedItem> failures)
        : base(Describe(job, count, failures)) => (Job, Failures) = (job, failures);

    /// <summary>The batch.</summary>
    public JobId Job { get; }

    /// <summary>Every item that did not succeed, in submission order.</summary>
    public IReadOnlyList<FailedItem> Failures { get; }

    private static string Describe(JobId job, int count, IReadOnlyList<FailedItem> failures)
    {
        var text = new StringBuilder($"{failures.Count:N0} of {count:N0} items of batch {job} did not succeed: ");
        text.AppendJoin("; ", failures.Take(Listed));
        if (failures.Count > Listed) text.Append($"; and {failures.Count - Listed:N0} more");
        return text.Append(". WhenAllAsync gives every outcome.").ToString();
    }
}

/// <summary>An item that did not succeed.</summary>
/// <param name="Index">Its position in the batch.</param>
/// <param name="State">Failed or Canceled.</param>
/// <param name="Reason">What the state does not say.</param>
/// <param name="Error">Why; null unless it failed.</param>
public sealed record FailedItem(int Index, JobState State, Reason Reason, TaskError? Error)
{
    /// <inheritdoc/>
    public override string ToString() => $"#{Index} {State}{Because(Reason)}{(Error is null ? "" : $": {Error}")}";

    internal static FailedItem Of<T>(TaskOutcome<T> outcome) =>
        new(outcome.Index, outcome.State, outcome.Reason, outcome.Error);

    internal static string Because(Reason reason) => reason == Reason.None ? "" : $" ({reason})";
}

/// <summary>A chain's result was asked for, and the chain did not succeed.</summary>
public sealed class ChainFailedException : Exception
{
    internal ChainFailedException(JobId job, FailedItem? step, JobState state, Reason reason)
        : base($"Chain {job} is {state}{FailedItem.Because(reason)}{(step is null ? "" : $", at step {step}")}.") =>
        (Job, Step, State, Reason) = (job, step, state, reason);

    /// <summary>The chain.</summary>
    public JobId Job { get; }

    /// <summary>The first step that did not succeed; null where none ran.</summary>
    public FailedItem? Step { get; }

    /// <summary>Failed or Canceled.</summary>
    public JobState State { get; }

    /// <summary>What the state does not say.</summary>
    public Reason Reason { get; }
}
