using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>Lists jobs from their summaries alone.</summary>
internal static class JobListing
{
    /// <exception cref="RefusedException">It asks for too many at a time.</exception>
    public static void Check(JobQuery query)
    {
        if (query.Max is < 1 or > 1_000)
            throw new RefusedException(Refusal.Invalid, $"max is {query.Max}; use 1 to 1,000.");
    }

    public static async Task<JobPage> ReadAsync(IJobStore store, JobQuery query, CancellationToken cancellation)
    {
        Check(query);
        IReadOnlyList<StoredJob> stored = await store.ListAsync(query, cancellation);
        JobStatus[] jobs = [.. stored.Select(job =>
            JobCodec.ReadSummary(job.Job, job.Summary).ToStatus(JobCodec.ReadHeader(job.Job, job.Header)))];
        return ToPage(query, jobs);
    }

    /// <exception cref="StoreException">They are out of order, as where an index is damaged: the next page would begin
    /// at the wrong place.</exception>
    public static JobPage ToPage(JobQuery query, JobStatus[] jobs)
    {
        JobId? before = query.Before;
        foreach (JobStatus job in jobs)
        {
            if (job.Id >= before)
                throw new StoreException(StoreFault.Corrupt, $"The list of jobs is out of order at job {job.Id}.");
            before = job.Id;
        }
        return new JobPage(jobs, jobs.Length == query.Max ? before : null);
    }
}
