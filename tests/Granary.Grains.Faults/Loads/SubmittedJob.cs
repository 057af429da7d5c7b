using Granary.Engines;

namespace Granary.Grains.Faults.Loads;

/// <summary>A job as its client knows it. Its task or step <c>i</c> is given <c>First + i</c>, and its value is one
/// more.</summary>
internal sealed class SubmittedJob(JobKind kind, long first, int count, int pool)
{
    public JobKind Kind => kind;

    public long First => first;

    public int Count => count;

    /// <summary>How many may run at once.</summary>
    public int Pool => pool;

    public string Key => $"{kind}-{first}";

    /// <summary>Its id, once its submission was acknowledged.</summary>
    public JobId? Job { get; set; }

    /// <summary>What it was shown, in order.</summary>
    public List<Seen> Seen { get; } = [];

    /// <summary>It was told that there is no more.</summary>
    public bool HasEnded { get; set; }

    /// <summary>The scope of the last cancel that was asked for; null if none was.</summary>
    public CancelScope? Canceled { get; set; }

    public JobSpec Spec => new() { Kind = kind, Key = Key, MaxConcurrency = pool };

    public IEnumerable<Item> Items => kind == JobKind.Batch
        ? Enumerable.Range(0, count).Select(i => Item.Task("work", first + i))
        : Enumerable.Range(0, count).Select(i => i == 0 ? Item.Task("work", first) : Item.Task("work"));
}

/// <summary>An outcome as it was shown.</summary>
internal sealed record Seen(int Sequence, int Index, JobState State, Reason Reason, string Value, int Attempts)
{
    public static Seen Of(Outcome outcome) => new(
        outcome.Sequence, outcome.Index, outcome.State, outcome.Reason,
        System.Text.Encoding.UTF8.GetString(outcome.Value.Span), outcome.Attempts);
}
