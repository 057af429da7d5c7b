using Granary.Conformance.Stores;
using Granary.Stores;

namespace Granary.Embedded.Tests.Stores;

public sealed class MemoryStoreTests : StoreConformance
{
    protected override Task<IJobStore> OpenAsync() => Task.FromResult<IJobStore>(new MemoryJobStore());
}
