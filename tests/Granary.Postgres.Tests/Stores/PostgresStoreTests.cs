using Granary.Conformance.Stores;
using Granary.Stores;

namespace Granary.Postgres.Tests.Stores;

public sealed class PostgresStoreTests : StoreConformance
{
    protected override async Task<IJobStore> OpenAsync() => await Databases.OpenAsync(PostgresServer.NewSchema());
}
