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
        return new JobPage(jobs, jobs.Length == query.Max ? jobs[^1].Id : null);
    }
}
