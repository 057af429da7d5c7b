using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests;

public sealed class ClusterTests
{
    [Fact]
    public async Task A_cluster_of_two_silos_starts()
    {
        await using InProcessTestCluster cluster = new InProcessTestClusterBuilder(2).Build();
        await cluster.DeployAsync();
        Assert.Equal(2, cluster.Silos.Count);
    }
}
