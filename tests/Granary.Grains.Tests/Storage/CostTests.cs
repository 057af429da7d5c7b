using Granary.Conformance.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Stores;
using Xunit;
using Xunit.Abstractions;

namespace Granary.Grains.Tests.Storage;

/// <summary>What a task costs does not depend on the size of its batch, and no state grows with it.</summary>
public sealed class CostTests(ITestOutputHelper output) : EngineTests(new CountingFixture())
{
    private const int Small = 10_000;
    private const int Large = 100_000;

    [Fact]
    public async Task A_task_of_a_batch_of_100_000_costs_what_one_of_10_000_does()
    {
        GranaryClient granary = await StartAsync();
        CountingStorage storage = ((CountingFixture)Fixture).Storage;
        await RunAsync(granary, storage, 1_000);
        double small = await RunAsync(granary, storage, Small);
        double large = await RunAsync(granary, storage, Large);
        Assert.True(large <= 1.5 * small, $"{large:f1} bytes a task instead of {small:f1}.");
        Assert.True(storage.Largest <= 160 << 10, $"A state of {storage.Largest} bytes.");
    }

    private async Task<double> RunAsync(GranaryClient granary, CountingStorage storage, int tasks)
    {
        long start = Environment.TickCount64;
        var before = storage.Counts;
        var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, tasks), Pool(64));
        await batch.WaitAsync(WaitFor.All);
        var after = storage.Counts;
        double time = Environment.TickCount64 - start;
        double bytes = (after.Bytes - before.Bytes) / (double)tasks;
        output.WriteLine(
            $"{tasks} tasks: {1_000 * time / tasks:f1} µs, {bytes:f1} bytes, "
            + $"{1_000.0 * (after.Writes - before.Writes) / tasks:f1} writes and "
            + $"{1_000.0 * (after.Reads - before.Reads) / tasks:f1} reads a task and thousand");
        return bytes;
    }

    private sealed class CountingFixture() : ClusterFixture(silos: 1, fromOutside: false)
    {
        private readonly string _name = StorageSilo.NewName();

        public CountingStorage Storage { get; private set; } = null!;

        protected override async Task<IJobStore> OpenAsync(CancellationToken cancellation) => new GrainStorageJobStore(
            Storage = new CountingStorage(await StorageSilo.MemoryAsync()), _name, Time);
    }
}
