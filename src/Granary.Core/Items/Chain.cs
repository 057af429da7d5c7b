namespace Granary;

/// <summary>
/// Writes a chain as a sentence: <c>Chain.Start("extract", source).Then("transform").Wait(minute).Then("load")</c>.
/// </summary>
public sealed class Chain
{
    private readonly List<Item> _steps = [];

    private Chain() { }

    /// <summary>The steps written so far.</summary>
    public IReadOnlyList<Item> Steps => _steps;

    /// <summary>What the chain's tasks inherit.</summary>
    public TaskOptions TaskOptions { get; private set; } = TaskOptions.Inherit;

    /// <summary>Begins with a task that has arguments.</summary>
    public static Chain Start<TArgs>(string handler, TArgs args, TaskOptions? options = null) =>
        new Chain().Then(Item.Task(handler, args, options));

    /// <summary>Begins with a task that has none.</summary>
    public static Chain Start(string handler, TaskOptions? options = null) =>
        new Chain().Then(Item.Task(handler, options));

    /// <summary>Begins with any item.</summary>
    public static Chain Start(Item first) => new Chain().Then(first);

    /// <summary>Then a task that is given the previous result as its arguments.</summary>
    public Chain Then(string handler, TaskOptions? options = null) => Then(Item.Task(handler, options));

    /// <summary>
    /// Then a task with arguments of its own; the previous result is <see cref="TaskContext.Input{T}"/>.
    /// </summary>
    public Chain Then<TArgs>(string handler, TArgs args, TaskOptions? options = null) =>
        Then(Item.Task(handler, args, options));

    /// <summary>Then any item: a batch yields its ordered outcomes to the step after it.</summary>
    public Chain Then(Item step)
    {
        _steps.Add(step);
        return this;
    }

    /// <summary>Then a durable wait.</summary>
    public Chain Wait(TimeSpan duration) => Then(Item.Wait(duration));

    /// <summary>Sets what the chain's tasks inherit.</summary>
    public Chain With(TaskOptions options)
    {
        TaskOptions = options;
        return this;
    }

    /// <summary>The chain as an item of a batch or of another chain.</summary>
    public ChainItem ToItem() => new(_steps.ToArray()) { Defaults = TaskOptions };

    /// <summary>The chain as an item of a batch or of another chain.</summary>
    public static implicit operator ChainItem(Chain chain) => chain.ToItem();
}
