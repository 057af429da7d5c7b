using Granary.Conformance.Stores;
using Granary.Stores;

namespace Granary.Embedded.Tests.Stores;

public sealed class SqliteStoreTests : StoreConformance
{
    private readonly TemporaryDirectory _directory = new();

    protected override async Task<IJobStore> OpenAsync() => await _directory.OpenAsync();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }
}
