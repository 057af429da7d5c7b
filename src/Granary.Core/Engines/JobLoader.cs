using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>Brings a job back from the store: its shape, then its records, applied one by one as they were when they happened.</summary>
internal static class JobLoader
{
    private const int PagesAtOnce = 64;
    private const int RecordsAtOnce = 256;

    public static async ValueTask<JobReader> LoadAsync(IJobStore store, StoredJob stored, CancellationToken cancellation)
    {
        JobHeader header = JobCodec.ReadHeader(stored.Job, stored.Header);
        JobSummary summary = JobCodec.ReadSummary(stored.Job, stored.Summary);
        var state = new BatchState(header);
        var log = new JobLog(store, stored.Job);
        var pages = new PageFeed(store, state);
        for (int next = 0; next < summary.RecordCount;)
        {
            int wanted = Math.Min(RecordsAtOnce, summary.RecordCount - next);
            IReadOnlyList<StoredRecord> records = await store.ReadRecordsAsync(stored.Job, next, wanted, false, cancellation);
            foreach (StoredRecord record in records)
            {
                if (record.Number != next++) throw Blob.Damaged(BlobKind.Events, stored.Job, next - 1, "is missing");
                await ApplyAsync(state, record, pages, log, cancellation);
            }
            if (records.Count == 0) throw Blob.Damaged(BlobKind.Events, stored.Job, next, "is missing");
        }
        if (state.Tree.PageCount != summary.PageCount || state.CompletionCount != summary.CompletionCount)
            throw Blob.Damaged(BlobKind.Summary, stored.Job, 0, "does not agree with the records");
        return new JobReader(state, log);
    }

    private static async ValueTask ApplyAsync(
        BatchState state, StoredRecord record, PageFeed pages, JobLog log, CancellationToken cancellation)
    {
        (List<JobEvent> events, RecordStart start) = Read(state.Header.Id, record);
        if (start.FirstOrdinal != state.OrdinalCount + 1 || start.FirstSequence != state.CompletionCount + 1)
            throw Blob.Damaged(BlobKind.Events, state.Header.Id, record.Number, "is out of place");
        foreach (JobEvent e in events)
        {
            if (e.Kind is EventKind.Submitted or EventKind.Appended) await pages.AddAsync(e.Pages.Count, cancellation);
            state.Apply(e);
        }
        log.Add(start, null, state.CompletionCount, state.OrdinalCount);
    }

    private static (List<JobEvent> Events, RecordStart Start) Read(JobId job, StoredRecord record)
    {
        var reader = new RecordReader(job, record);
        var events = new List<JobEvent>();
        while (reader.Next(out JobEvent e)) events.Add(e);
        return (events, reader.Start);
    }

    private sealed class PageFeed(IJobStore store, BatchState state)
    {
        public async ValueTask AddAsync(int count, CancellationToken cancellation)
        {
            for (int end = state.Tree.PageCount + count; state.Tree.PageCount < end;)
            {
                int wanted = Math.Min(PagesAtOnce, end - state.Tree.PageCount);
                IReadOnlyList<StoredPage> pages =
                    await store.ReadPagesAsync(state.Header.Id, state.Tree.PageCount, wanted, false, cancellation);
                if (pages.Count == 0) throw Blob.Damaged(BlobKind.Shape, state.Header.Id, state.Tree.PageCount, "is missing");
                foreach (StoredPage page in pages) state.Tree.AddPage(page);
            }
        }
    }
}
