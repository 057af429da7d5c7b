using Granary.Persistence;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>Finds the grain that holds a job.</summary>
internal static class GrainNames
{
    public static IJobGrain GetJob(this IGrainFactory grains, JobName job) => (JobKind)job.Kind switch
    {
        JobKind.Batch => grains.GetGrain<IBatchGrain>(job.Id),
        JobKind.Chain => grains.GetGrain<IChainGrain>(job.Id),
        _ => throw new ArgumentOutOfRangeException(nameof(job), job, "It is neither a batch nor a chain."),
    };

    public static JobName ToName(this StoredJob job) =>
        new(job.Job.Value, (byte)JobCodec.ReadHeader(job.Job, job.Header).Spec.Kind);
}
