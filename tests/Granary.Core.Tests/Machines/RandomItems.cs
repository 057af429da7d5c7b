namespace Granary.Core.Tests.Machines;

/// <summary>Random items, nested a few levels.</summary>
internal static class RandomItems
{
    public static Item[] List(Random random, bool inChain, int depth = 3) =>
        [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => One(random, inChain, depth))];

    private static Item One(Random random, bool inChain, int depth) => random.Next(depth > 0 ? 8 : 4) switch
    {
        < 3 => MachineRig.Task(Options(random)),
        3 => inChain ? Item.Wait(TimeSpan.FromSeconds(random.Next(60))) : MachineRig.Task(),
        4 or 5 => new ChainItem(List(random, inChain: true, depth - 1)) { Deadline = Deadline(random) },
        _ => new BatchItem(List(random, inChain: false, depth - 1))
        {
            MaxConcurrency = random.Next(1, 4),
            OnFailure = random.Next(3) == 0 ? FailurePolicy.CancelPending : FailurePolicy.Continue,
            Deadline = Deadline(random),
        },
    };

    private static TaskOptions? Options(Random random) => random.Next(3) > 0 ? null : new TaskOptions
    {
        Retries = random.Next(3),
        Backoff = TimeSpan.FromSeconds(random.Next(3)),
        Deadline = Deadline(random),
        MaxInterruptions = random.Next(3),
    };

    private static TimeSpan? Deadline(Random random) =>
        random.Next(6) == 0 ? TimeSpan.FromSeconds(random.Next(1, 200)) : null;
}
