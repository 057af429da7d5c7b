using Granary.Activations;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// What a silo does at its own pace: it wakes jobs that are due and that nobody holds, keeps those that it holds, has
/// its workers heard, looks at leases, and removes what nobody needs any more.
/// </summary>
internal sealed class SiloChores(SiloEngine silo, CancellationToken stop)
{
    /// <summary>Lists are read so many at a time.</summary>
    private const int AtOnce = 500;

    /// <summary>Signs of life in the time that their absence is forgiven.</summary>
    private const int Beats = 5;

    /// <summary>How often jobs past their retention are looked for: once a minute.</summary>
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private Task _running = Task.CompletedTask;

    public void Start() => _running = Task.WhenAll(
        RepeatAsync(silo.Clock, silo.Options.PollInterval, WakeDueAsync),
        RepeatAsync(silo.Clock, silo.Options.Hold / Beats, KeepHeldAsync),
        RepeatAsync(silo.Clock, silo.Options.Lease / Beats, CheckLeasesAsync),
        RepeatAsync(silo.Options.Time, SweepInterval, SweepAsync));

    public async Task StopAsync() => await _running.ConfigureAwait(Patience.Quietly);

    // Away from grains' own schedulers, and give or take a quarter, so that the silos do not march in step.
    private Task RepeatAsync(TimeProvider time, TimeSpan interval, Func<Task> chore) => Task.Run(async () =>
    {
        while (!stop.IsCancellationRequested)
        {
            TimeSpan pause = interval * (0.75 + (0.5 * Random.Shared.NextDouble()));
            await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) return;
            try
            {
                await chore();
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                EngineLog.ChoreFailed(silo.Engine.Log, chore.Method.Name, e);
            }
            catch (Exception)
            {
                return;
            }
        }
    }, CancellationToken.None);

    private async Task WakeDueAsync()
    {
        if (silo.Runner.IsDraining) return;
        IJobStore store = silo.Engine.Store;
        DateTimeOffset now = silo.Engine.Options.Time.GetUtcNow();
        foreach (JobId job in await store.ListDueAsync(now, AtOnce, stop))
        {
            if (silo.Holds(job)) continue;
            if (await store.LoadAsync(job, stop) is not { Phase: JobPhase.Live } stored) continue;
            _ = WakeAsync(stored);
        }
    }

    private async Task WakeAsync(StoredJob job)
    {
        try
        {
            await silo.Grains.GetJob(job.ToName()).WakeAsync();
        }
        catch (Exception e)
        {
            EngineLog.JobNotResumed(silo.Engine.Log, job.Job, e);
        }
    }

    private async Task KeepHeldAsync()
    {
        Dictionary<JobId, Activation> held =
            silo.Activations.Where(activation => activation.HasWork && !activation.IsDead).ToDictionary(a => a.Job);
        long now = silo.Clock.GetTimestamp();
        DateTimeOffset dueAt = silo.Clock.GetUtcNow() + silo.Options.Hold;
        IReadOnlyList<JobId> lost = await silo.Engine.Store.PostponeAsync(
            [.. held.Values.Select(activation => activation.Holding)], dueAt, stop);
        foreach (JobId job in lost) held[job].Die(Fenced(job));
        silo.Held(now);
    }

    private static StoreException Fenced(JobId job) =>
        new(StoreFault.Owned, $"Job {job} was taken over by another silo; ask again.");

    private Task CheckLeasesAsync()
    {
        foreach (Activation activation in silo.Activations)
            if (activation.AttemptCount > 0) activation.Post(RemoteAttemptSet.LeaseCheck);
        silo.Runner.Heartbeat();
        return Task.CompletedTask;
    }

    private async Task SweepAsync()
    {
        IJobStore store = silo.Engine.Store;
        DateTimeOffset now = silo.Engine.Options.Time.GetUtcNow();
        foreach (JobId job in await store.ListExpiredAsync(now, AtOnce, stop))
            if (await store.LoadAsync(job, stop) is { } stored)
                await silo.Grains.GetJob(stored.ToName()).ExpireAsync();
        foreach (JobId job in await store.ListStagedAsync(now, AtOnce, stop))
            while (!await store.RemoveAsync(job, 1_000, stop)) await Task.Yield();
    }
}
