using Granary.Conformance.Stores;
using Granary.Stores;

namespace Granary.Grains.Tests.Storage;

public sealed class MemoryGrainStorageTests : StoreConformance
{
    protected override Task<IJobStore> OpenAsync() => StorageSilo.OpenAsync();
}
