using System.Runtime.CompilerServices;
using Granary.Engines;
using Granary.Stores;

namespace Granary.Persistence;

/// <summary>Reads everything in a store and reports what is damaged.</summary>
public static class StoreVerifier
{
    /// <summary>
    /// Checks every job: header, summary, each page and each record against its checksum, and that the records
    /// replay.
    /// </summary>
    /// <returns>A sentence for each problem; nothing if all is well.</returns>
    public static async IAsyncEnumerable<string> VerifyAsync(
        IJobStore store, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        JobId? before = null;
        while (true)
        {
            IReadOnlyList<StoredJob> jobs =
                await store.ListAsync(new JobQuery { Before = before, Max = 100 }, cancellation);
            if (jobs.Count == 0) yield break;
            if (before is { } last && jobs[^1].Job >= last)
            {
                yield return $"The list of jobs is out of order after job {last}.";
                yield break;
            }
            foreach (StoredJob job in jobs)
                if (await CheckAsync(store, job, cancellation) is { } problem) yield return problem;
            before = jobs[^1].Job;
        }
    }

    private static async ValueTask<string?> CheckAsync(IJobStore store, StoredJob job, CancellationToken cancellation)
    {
        try
        {
            JobReader reader = await JobLoader.LoadAsync(store, job, cancellation);
            for (int page = 0; page < reader.State.Tree.PageCount; page++)
                foreach (StoredPage stored in await store.ReadPagesAsync(job.Job, page, 1, true, cancellation))
                    PageReader.ReadArgs(job.Job, stored);
            for (int record = 0; record < reader.Log.RecordCount; record++)
                foreach (StoredRecord stored in await store.ReadRecordsAsync(job.Job, record, 1, true, cancellation))
                    DecodedRecord.From(job.Job, stored);
            return null;
        }
        catch (StoreException e)
        {
            return e.Message;
        }
    }
}
