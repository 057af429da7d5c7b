using Granary.Conformance.Stores;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Postgres.Tests.Stores;

public sealed class PostgresStoreTests : StoreConformance
{
    protected override async Task<IJobStore> OpenAsync() => await Databases.OpenAsync(PostgresServer.NewSchema());

    [Fact]
    public async Task A_removal_that_has_begun_may_be_asked_for_all_the_rest()
    {
        await Store.CommitAsync([New(7, pages: 4), Next(7, record: 0), End(7, default)], default);
        Assert.False(await Store.RemoveAsync(new JobId(7), 2, default));
        Assert.True(await Store.RemoveAsync(new JobId(7), int.MaxValue, default));
        Assert.Empty(await Store.ReadPagesAsync(new JobId(7), 0, 10, true, default));
    }
}
