namespace Granary.Cli;

/// <summary>A batch or chain of a job file while it is read; the root's has what only a job has.</summary>
internal sealed class GroupDraft
{
    public int MaxConcurrency { get; set; } = JobDefaults.MaxConcurrency;

    public FailurePolicy OnFailure { get; set; } = FailurePolicy.Continue;

    public TaskOptions Defaults { get; set; } = TaskOptions.Inherit;

    public TimeSpan? Deadline { get; set; }

    public string? Key { get; set; }

    public string Name { get; set; } = "";

    public TimeSpan Delay { get; set; }

    public TimeSpan Retention { get; set; } = JobDefaults.Retention;

    public List<Item> Items { get; } = [];

    public BatchItem ToBatch() => new(Items.ToArray())
    {
        MaxConcurrency = MaxConcurrency,
        OnFailure = OnFailure,
        Defaults = Defaults,
        Deadline = Deadline,
    };

    public ChainItem ToChain() => new(Items.ToArray()) { Defaults = Defaults, Deadline = Deadline };

    public JobSpec ToSpec(JobKind kind) => new()
    {
        Kind = kind,
        MaxConcurrency = MaxConcurrency,
        OnFailure = OnFailure,
        Defaults = Defaults,
        Deadline = Deadline,
        Key = Key,
        Name = Name,
        Delay = Delay,
        Retention = Retention,
    };
}

/// <summary>An item of a job file while it is read.</summary>
internal sealed class ItemDraft
{
    /// <summary>The field that says what the item is: task, chain, batch or wait.</summary>
    public string? Kind { get; set; }

    public string Handler { get; set; } = "";

    public ReadOnlyMemory<byte> Args { get; set; }

    public TaskOptions Options { get; set; } = TaskOptions.Inherit;

    /// <summary>The item, unless it is a task.</summary>
    public Item? Built { get; set; }

    /// <summary>The first field that fits only a task, and where it stands.</summary>
    public (string Name, TextPosition At)? TaskField { get; set; }

    public Item ToItem() => Built ?? new TaskItem(Handler, Args) { Options = Options };
}
