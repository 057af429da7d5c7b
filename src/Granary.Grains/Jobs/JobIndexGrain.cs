using Granary.Engines;
using Granary.Stores;
using Orleans.Concurrency;

namespace Granary.Grains;

/// <inheritdoc cref="IJobIndexGrain"/>
[GrainType("granary.index"), StatelessWorker]
internal sealed class JobIndexGrain(SiloEngine silo) : Grain, IJobIndexGrain
{
    public async Task<JobName> FindAsync(string key)
    {
        CheckRunning();
        return await silo.Engine.Store.FindAsync(key, CancellationToken.None) is { } job
            ? await IdentifyAsync(job.Value)
            : default;
    }

    public async Task<JobName> IdentifyAsync(long job)
    {
        CheckRunning();
        return await silo.Engine.Store.LoadAsync(new JobId(job), CancellationToken.None) is { } stored
            ? stored.ToName()
            : default;
    }

    public async Task<StatusWire[]> ListAsync(byte? state, long? before, int max)
    {
        CheckRunning();
        var query = new JobQuery
        {
            State = state is { } s ? (JobState)s : null,
            Before = before is { } b ? new JobId(b) : null,
            Max = max,
        };
        IReadOnlyList<StoredJob> jobs = await silo.Engine.Store.ListAsync(query, CancellationToken.None);
        return [.. jobs.Select(job => job.ToWire())];
    }

    private void CheckRunning()
    {
        if (silo.IsStopping) throw new RefusedException(Refusal.Stopping, "The silo is stopping.");
    }
}
