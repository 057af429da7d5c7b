using Granary.Conformance.Engines;
using Granary.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Storage;

public sealed class GrainStorageHostingTests
{
    [Fact]
    public async Task A_silo_keeps_its_jobs_in_the_storage_that_is_named()
    {
        await using InProcessTestCluster cluster = Build("jobs");
        await cluster.DeployAsync();
        IJobEngine engine = cluster.GetSiloServiceProvider().GetRequiredService<IJobEngine>();
        var granary = new GranaryClient(engine, TimeProvider.System);
        var batch = await granary.StartBatchAsync<int, int>("double", [1, 2, 3]);
        Assert.Equal([2, 4, 6], await batch.ResultsAsync().Soon());
    }

    [Fact]
    public async Task A_storage_that_is_not_there_is_named_at_start()
    {
        await using InProcessTestCluster cluster = Build("others");
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => cluster.DeployAsync().Soon());
        Assert.Contains("AddMemoryGrainStorage(\"jobs\")", error.ToString(), StringComparison.Ordinal);
    }

    private static InProcessTestCluster Build(string storage) => TestSilos.Build(1, (silo, _) =>
    {
        silo.AddMemoryGrainStorage(storage);
        silo.Services.AddGranary(granary => granary
            .UseCluster()
            .UseGrainStorage("jobs")
            .Handle<int, int>("double", (number, _) => Task.FromResult(2 * number)));
    });
}
