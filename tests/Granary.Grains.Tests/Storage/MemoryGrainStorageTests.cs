using Granary.Conformance.Stores;
using Granary.Stores;

namespace Granary.Grains.Tests.Storage;

public sealed class MemoryGrainStorageTests : StoreConformance
{
    protected override async Task<IJobStore> OpenAsync() => StorageSilo.Open(await StorageSilo.MemoryAsync());
}
