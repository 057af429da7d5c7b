using Granary.Grains.Faults.Clusters;
using Xunit.Abstractions;

namespace Granary.Grains.Faults.Scenarios;

/// <summary>The store, and with it what the silos know of each other, is away for a while.</summary>
public sealed class PostgresOutageTests(ITestOutputHelper output)
{
    [Fact]
    public async Task PostgreSQL_is_gone_for_up_to_2_seconds_every_5_to_40()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        // The longer pauses where there is time for them.
        double most = FaultRun.Duration > TimeSpan.FromMinutes(3) ? 40 : 10;
        await run.RunAsync(async time =>
        {
            while (await FaultRun.WaitAsync(run.Between(5, most), time))
            {
                TimeSpan outage = run.Between(0, 2);
                switch (run.Faults++ % 3)
                {
                    case 0:
                        await cluster.Server.KillAsync();
                        break;
                    case 1:
                        await cluster.Server.StopAsync();
                        break;
                    default:
                        cluster.Server.Freeze();
                        await Task.Delay(outage, CancellationToken.None);
                        cluster.Server.Thaw();
                        continue;
                }
                await Task.Delay(outage, CancellationToken.None);
                await cluster.Server.StartAsync();
            }
        });
        Assert.True(run.Faults > 2);
    }
}
