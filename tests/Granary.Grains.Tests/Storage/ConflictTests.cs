using Granary.Conformance.Stores;
using Granary.Stores;
using Xunit;

namespace Granary.Grains.Tests.Storage;

/// <summary>The store keeps its promises where one write in 20 is answered with a conflict.</summary>
public sealed class ConflictTests : StoreConformance
{
    private readonly int _seed = Random.Shared.Next();
    private ConflictingStorage? _storage;

    protected override async Task<IJobStore> OpenAsync() =>
        StorageSilo.Open(_storage = new ConflictingStorage(await StorageSilo.MemoryAsync(), 0.05, _seed));

    [Fact]
    public async Task Conflicts_are_met()
    {
        for (int i = 1; i < 500; i++) Assert.Equal(WriteResult.Written, await Store.CommitAsync(Writes.New(i)));
        Assert.True(_storage!.Conflicts > 0, $"Seed {_seed}");
    }
}
