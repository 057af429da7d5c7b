using Granary.Batches;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>
/// Brings a job back from the store: its shape, and its records applied one by one as they were when they happened.
/// Can be called again to apply what has been recorded since.
/// </summary>
internal sealed class JobLoader
{
    private const int PagesAtOnce = 64;
    private const int RecordsAtOnce = 256;

    private readonly IJobStore _store;
    private readonly JobId _job;

    public JobLoader(IJobStore store, StoredJob stored)
    {
        (_store, _job) = (store, stored.Job);
        Reader = new JobReader(
            new BatchState(JobCodec.ReadHeader(stored.Job, stored.Header)), new JobLog(store, stored.Job));
    }

    /// <summary>The job as far as it has been read.</summary>
    public JobReader Reader { get; }

    private BatchState State => Reader.State;

    public static async ValueTask<JobReader> LoadAsync(
        IJobStore store, StoredJob stored, CancellationToken cancellation)
    {
        var loader = new JobLoader(store, stored);
        await loader.CatchUpAsync(stored, cancellation);
        return loader.Reader;
    }

    /// <summary>Reads up to where the summary says the job was.</summary>
    public async ValueTask CatchUpAsync(StoredJob stored, CancellationToken cancellation)
    {
        JobSummary summary = JobCodec.ReadSummary(_job, stored.Summary);
        while (Reader.Log.RecordCount < summary.RecordCount)
        {
            int next = Reader.Log.RecordCount, wanted = Math.Min(RecordsAtOnce, summary.RecordCount - next);
            IReadOnlyList<StoredRecord> records =
                await _store.ReadRecordsAsync(_job, next, wanted, false, cancellation);
            if (records.Count == 0) throw Blob.Damaged(BlobKind.Events, _job, next, "is missing");
            foreach (StoredRecord record in records) await ApplyAsync(record, cancellation);
        }
        if (State.Tree.PageCount != summary.PageCount || State.CompletionCount != summary.CompletionCount)
            throw Blob.Damaged(BlobKind.Summary, _job, 0, "does not agree with the records");
    }

    private async ValueTask ApplyAsync(StoredRecord record, CancellationToken cancellation)
    {
        if (record.Number != Reader.Log.RecordCount)
            throw Blob.Damaged(BlobKind.Events, _job, Reader.Log.RecordCount, "is missing");
        (List<JobEvent> events, RecordStart start) = Read(record);
        if (start.FirstOrdinal != State.OrdinalCount + 1 || start.FirstSequence != State.CompletionCount + 1)
            throw Blob.Damaged(BlobKind.Events, _job, record.Number, "is out of place");
        foreach (JobEvent e in events)
        {
            if (e.Kind is EventKind.Submitted or EventKind.Appended) await AddPagesAsync(e.Pages.Count, cancellation);
            State.Apply(e);
        }
        Reader.Log.Add(start, null, State.CompletionCount, State.OrdinalCount);
    }

    private (List<JobEvent> Events, RecordStart Start) Read(StoredRecord record)
    {
        var reader = new RecordReader(_job, record);
        var events = new List<JobEvent>();
        while (reader.Next(out JobEvent e)) events.Add(e);
        return (events, reader.Start);
    }

    private async ValueTask AddPagesAsync(int count, CancellationToken cancellation)
    {
        for (int end = State.Tree.PageCount + count; State.Tree.PageCount < end;)
        {
            int wanted = Math.Min(PagesAtOnce, end - State.Tree.PageCount);
            IReadOnlyList<StoredPage> pages =
                await _store.ReadPagesAsync(_job, State.Tree.PageCount, wanted, false, cancellation);
            if (pages.Count == 0) throw Blob.Damaged(BlobKind.Shape, _job, State.Tree.PageCount, "is missing");
            foreach (StoredPage page in pages) State.Tree.AddPage(page);
        }
    }
}
