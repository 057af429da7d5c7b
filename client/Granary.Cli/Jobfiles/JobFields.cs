using System.Text;

namespace Granary.Cli;

/// <summary>A field of an object in a job file, and what reading it sets.</summary>
internal sealed record JobField<TDraft>(string Name, Action<JobFileReader, TDraft> Read)
{
    public byte[] Utf8Name { get; } = Encoding.UTF8.GetBytes(Name);
}

/// <summary>Every field of a job file. The published JSON Schema names the same, which a test checks.</summary>
internal static class JobFields
{
    private static readonly JobField<GroupDraft>[] s_inherited =
    [
        new("retries", (file, g) => g.Defaults = g.Defaults with { Retries = file.Whole(0, 10_000) }),
        new("backoff", (file, g) => g.Defaults = g.Defaults with { Backoff = file.Duration() }),
        new("maxBackoff", (file, g) => g.Defaults = g.Defaults with { MaxBackoff = file.Duration() }),
        new("timeout", (file, g) => g.Defaults = g.Defaults with { Timeout = file.DurationOrNone() }),
        new("cancelGrace", (file, g) => g.Defaults = g.Defaults with { CancelGrace = file.Duration() }),
        new("maxInterruptions", (file, g) => g.Defaults = g.Defaults with { MaxInterruptions = file.Whole(0, 10_000) }),
        new("deadline", (file, g) => g.Deadline = file.Positive()),
    ];

    private static readonly JobField<GroupDraft>[] s_pool =
    [
        new("maxConcurrency", (file, g) => g.MaxConcurrency = file.Whole(1, JobDefaults.MaxConcurrencyLimit)),
        new("onFailure", (file, g) => g.OnFailure = file.OnFailure()),
    ];

    private static readonly JobField<GroupDraft>[] s_job =
    [
        new("key", (file, g) => g.Key = file.Name()),
        new("name", (file, g) => g.Name = file.Name()),
        new("delay", (file, g) => g.Delay = file.Duration()),
        new("retention", (file, g) => g.Retention = file.Duration()),
    ];

    private static readonly JobField<GroupDraft> s_items =
        new("items", static (file, g) => file.Items(g, inChain: false));
    private static readonly JobField<GroupDraft> s_steps =
        new("steps", static (file, g) => file.Items(g, inChain: true));

    /// <summary>Fields of the object that is the job, besides its items or steps.</summary>
    public static readonly JobField<GroupDraft>[] RootBatch = [.. s_pool, .. s_inherited, .. s_job];

    public static readonly JobField<GroupDraft>[] RootChain = [.. s_inherited, .. s_job];

    public static readonly JobField<GroupDraft>[] Batch = [.. s_pool, .. s_inherited, s_items];

    public static readonly JobField<GroupDraft>[] Chain = [.. s_inherited, s_steps];

    /// <summary>Fields of an item: one that says what it is, and a task's own.</summary>
    public static readonly JobField<ItemDraft>[] Item =
    [
        new("task", static (file, item) => file.Task(item)),
        new("args", static (file, item) => item.Args = file.Args(item)),
        new("retries", static (file, item) => item.Options =
            file.Own(item, "retries") with { Retries = file.Whole(0, 10_000) }),
        new("backoff", static (file, item) => item.Options =
            file.Own(item, "backoff") with { Backoff = file.Duration() }),
        new("maxBackoff", static (file, item) => item.Options =
            file.Own(item, "maxBackoff") with { MaxBackoff = file.Duration() }),
        new("timeout", static (file, item) => item.Options =
            file.Own(item, "timeout") with { Timeout = file.DurationOrNone() }),
        new("deadline", static (file, item) => item.Options =
            file.Own(item, "deadline") with { Deadline = file.Positive() }),
        new("cancelGrace", static (file, item) => item.Options =
            file.Own(item, "cancelGrace") with { CancelGrace = file.Duration() }),
        new("maxInterruptions", static (file, item) =>
            item.Options = file.Own(item, "maxInterruptions") with { MaxInterruptions = file.Whole(0, 10_000) }),
        new("chain", static (file, item) => file.Chain(item)),
        new("batch", static (file, item) => file.Batch(item)),
        new("wait", static (file, item) => file.Wait(item)),
    ];
}
