using Granary.Activations;
using Granary.Engines;

namespace Granary.Grains;

/// <inheritdoc cref="IBatchGrain"/>
[GrainType("granary.batch"), ResourceOptimizedPlacement, CollectionAgeLimit(Minutes = 2)]
internal sealed class BatchGrain(SiloEngine silo) : JobGrain(silo), IBatchGrain
{
    public async Task<(int FirstIndex, int Count)> AppendAsync(ItemWire[] items, string? key)
    {
        var appender = new Appender(Host.Engine, [.. items.Select(item => item.ToItem())], key);
        Activation job = await HoldAsync();
        AppendReceipt receipt = await job.AskAsync(appender.Append);
        return (receipt.FirstIndex, receipt.Count);
    }

    public Task SealAsync() => TellAsync(static (machine, now) => machine.Seal(now));

    public Task ResizeAsync(int maxConcurrency) =>
        TellAsync((machine, now) => machine.Resize(maxConcurrency, now));
}
