using System.Text.Json;

namespace Granary;

/// <summary>
/// One entry of a batch or one step of a chain: a <see cref="TaskItem"/>, <see cref="ChainItem"/>, <see
/// cref="BatchItem"/> or, in chains only, a <see cref="WaitItem"/>.
/// </summary>
public abstract record Item
{
    private protected Item() { }

    /// <summary>A task: one call of the handler with these arguments, written as JSON.</summary>
    public static TaskItem Task<TArgs>(string handler, TArgs args, TaskOptions? options = null) =>
        new(handler, JsonSerializer.SerializeToUtf8Bytes(args, GranaryJson.Options))
        {
            Options = options ?? TaskOptions.Inherit,
        };

    /// <summary>
    /// A task without arguments of its own: in a chain it is given the previous step's result, elsewhere JSON null.
    /// </summary>
    public static TaskItem Task(string handler, TaskOptions? options = null) =>
        new(handler, default) { Options = options ?? TaskOptions.Inherit };

    /// <summary>A durable wait, as a step of a chain.</summary>
    public static WaitItem Wait(TimeSpan duration) => new(duration);

    /// <summary>A chain of these steps.</summary>
    public static ChainItem Chain(params IReadOnlyList<Item> steps) => new(steps);

    /// <summary>A batch of these items under a pool of its own.</summary>
    public static BatchItem Batch(int maxConcurrency, params IReadOnlyList<Item> items) =>
        new(items) { MaxConcurrency = maxConcurrency };
}

/// <summary>One call of a handler.</summary>
/// <param name="Handler">The handler's name.</param>
/// <param name="Args">The arguments as UTF-8 JSON; empty for none of its own.</param>
public sealed record TaskItem(string Handler, ReadOnlyMemory<byte> Args) : Item
{
    /// <summary>How it is tried.</summary>
    public TaskOptions Options { get; init; } = TaskOptions.Inherit;
}

/// <summary>
/// A durable wait: it holds no slot and no thread, and survives restarts. Its value is the one it was given.
/// </summary>
/// <param name="Duration">How long, counted from the end of the step before it.</param>
public sealed record WaitItem(TimeSpan Duration) : Item;

/// <summary>Steps in strict order; each is given the result of the one before it.</summary>
/// <param name="Steps">The steps. An empty chain succeeds at once with its input.</param>
public sealed record ChainItem(IReadOnlyList<Item> Steps) : Item
{
    /// <summary>What its tasks inherit.</summary>
    public TaskOptions Defaults { get; init; } = TaskOptions.Inherit;

    /// <summary>How long after it was reached the chain must have ended. Null, the default: no limit.</summary>
    public TimeSpan? Deadline { get; init; }
}

/// <summary>Items under a pool of their own; each task also needs a slot of every batch around it.</summary>
/// <param name="Items">The items. An empty batch succeeds at once with an empty list.</param>
public sealed record BatchItem(IReadOnlyList<Item> Items) : Item
{
    /// <summary>How many of its tasks may run at once; from 1 up. Default 2.</summary>
    public int MaxConcurrency { get; init; } = JobDefaults.MaxConcurrency;

    /// <summary>What the failure of one item does to the others.</summary>
    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Continue;

    /// <summary>What its tasks inherit.</summary>
    public TaskOptions Defaults { get; init; } = TaskOptions.Inherit;

    /// <summary>How long after it was reached the batch must have ended. Null, the default: no limit.</summary>
    public TimeSpan? Deadline { get; init; }
}
