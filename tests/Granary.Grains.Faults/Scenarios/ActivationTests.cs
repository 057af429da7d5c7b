using Granary.Engines;
using Granary.Grains.Faults.Checks;
using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Loads;
using Granary.Postgres;
using Granary.Stores;
using Orleans.Core.Internal;
using Xunit.Abstractions;

namespace Granary.Grains.Faults.Scenarios;

/// <summary>Activations that go while they are needed, and activations of which there are two.</summary>
public sealed class ActivationTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Grains_are_deactivated_at_random()
    {
        await using FaultCluster cluster = await FaultCluster.StartThreeAsync();
        var run = new FaultRun(cluster, output);
        await run.RunAsync(async time =>
        {
            for (int i = 0; await FaultRun.WaitAsync(TimeSpan.FromMilliseconds(20), time); i++)
            {
                // Now and then a worker in the middle of a task, else a job.
                IAddressable? grain = i % 4 == 0 ? await PickWorkerAsync(run, cluster) : PickJob(run, cluster);
                if (grain is null) continue;
                try
                {
                    await grain.AsReference<IGrainManagementExtension>().DeactivateOnIdle();
                    run.Faults++;
                }
                catch (Exception e) when (e is OrleansException or TimeoutException)
                {
                    // It was going already.
                }
            }
        });
        Assert.True(run.Faults > 100);
    }

    [Fact]
    public async Task A_job_is_held_twice_1000_times_and_the_stale_holder_records_nothing()
    {
        await using FaultCluster cluster = await FaultCluster.StartAsync("left", "right");
        IJobEngine[] engines = [cluster.EngineOf("left"), cluster.EngineOf("right")];
        var run = new FaultRun(cluster, output)
        {
            CountsConcurrency = false,
            Load = new Load(engines) { TasksInBatch = 1_000 },
        };
        await using PostgresJobStore store = await PostgresJobStore.OpenAsync(
            new PostgresStoreOptions { ConnectionString = cluster.Connection }, CancellationToken.None);
        Verdict verdict = await run.RunAsync(async time =>
        {
            while (!time.IsCancellationRequested || run.Faults < 1_000)
            {
                await Task.Delay(20, CancellationToken.None);
                if (Pick(run) is not { } job) continue;
                // Behind the back of who holds it; and either cluster believes that it is the only one, and asking it
                // for a job makes it hold the job.
                if (await store.AcquireAsync(job, CancellationToken.None) is not { Phase: JobPhase.Live }) continue;
                run.Faults++;
                await TouchAsync(engines[run.Faults % 2], job);
            }
        });
        Assert.True(verdict.Fenced > 0);
    }

    private static async Task TouchAsync(IJobEngine engine, JobId job)
    {
        try
        {
            await engine.GetStatusAsync(job);
        }
        catch (StoreException)
        {
            // It was taken over while it was being asked.
        }
    }

    private static async Task<IAddressable?> PickWorkerAsync(FaultRun run, FaultCluster cluster)
    {
        List<GrainId> workers = await cluster.Grains.GetGrain<IManagementGrain>(0)
            .GetActiveGrains(GrainType.Create("granary.worker"));
        return workers.Count == 0 ? null : cluster.Grains.GetGrain<IWorkerGrain>(
            workers[run.Random.Next(workers.Count)].Key.ToString()!);
    }

    private static IAddressable? PickJob(FaultRun run, FaultCluster cluster)
    {
        SubmittedJob[] live = [.. run.Load.Live];
        if (live.Length == 0) return null;
        SubmittedJob job = live[run.Random.Next(live.Length)];
        return cluster.Grains.GetJob(new JobName(job.Job!.Value.Value, (byte)job.Kind));
    }

    private static JobId? Pick(FaultRun run)
    {
        SubmittedJob[] live = [.. run.Load.Live];
        return live.Length == 0 ? null : live[run.Random.Next(live.Length)].Job;
    }
}
