using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Silos;
using Xunit.Abstractions;

namespace Granary.Grains.Faults.Scenarios;

/// <summary>Silos that are killed, frozen or told to stop.</summary>
public sealed class DyingSiloTests(ITestOutputHelper output)
{
    [Fact]
    public async Task One_silo_is_killed_every_10_to_20_seconds()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        await run.RunAsync(async time =>
        {
            while (await FaultRun.WaitAsync(run.Between(10, 20), time))
            {
                int place = run.Random.Next(3);
                await cluster.Silos[place].KillAsync();
                run.Faults++;
                await cluster.ReplaceAsync(place);
            }
        });
        Assert.True(run.Faults > 0);
    }

    [Fact]
    public async Task All_silos_are_killed_and_every_job_goes_on_without_a_call()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        await run.RunAsync(async time =>
        {
            while (await FaultRun.WaitAsync(run.Between(10, 15), time))
            {
                await Task.WhenAll(cluster.Silos.Select(silo => silo.KillAsync()));
                run.Faults++;
                await cluster.MendAsync();
            }
        });
        Assert.True(run.Faults > 0);
    }

    [Fact]
    public async Task A_silo_is_frozen_for_longer_than_its_lease_and_thawed()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        await run.RunAsync(async time =>
        {
            while (await FaultRun.WaitAsync(run.Between(5, 8), time))
            {
                SiloProcess silo = cluster.Silos[run.Random.Next(3)];
                silo.Freeze();
                run.Faults++;
                await Task.Delay(SiloSettings.Lease * 4, CancellationToken.None);
                silo.Thaw();
                // It finds that it was declared dead, and ends, as Orleans has it.
                await FaultRun.WaitAsync(TimeSpan.FromSeconds(5), time);
                await cluster.MendAsync();
            }
        });
        Assert.True(run.Faults > 0);
    }

    [Fact]
    public async Task Silos_are_told_to_stop_one_after_the_other()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        await run.RunAsync(async time =>
        {
            for (int place = 0; await FaultRun.WaitAsync(TimeSpan.FromSeconds(3), time); place = (place + 1) % 3)
            {
                Assert.Equal(0, await cluster.Silos[place].TerminateAsync());
                run.Faults++;
                await cluster.ReplaceAsync(place);
            }
        });
        Assert.True(run.Faults > 0);
    }
}
