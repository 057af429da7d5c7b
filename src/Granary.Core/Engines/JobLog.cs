using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>
/// The durable part of a job's log, for readers: where each record begins in the numbering of completions, the latest
/// records in memory, older ones from the store. Written by the one who commits, read from any thread.
/// </summary>
internal sealed class JobLog(IJobStore store, JobId job)
{
    /// <summary>Records kept in memory for readers that follow along: their bytes, not more than this.</summary>
    private const int CacheBytes = 4 << 20;

    private readonly Lock _lock = new();
    private readonly List<RecordStart> _starts = [];
    private readonly Queue<StoredRecord> _recent = new();
    private int _recentBytes;
    private readonly DecodedRecord?[] _decoded = new DecodedRecord?[4];

    /// <summary>Durable records.</summary>
    public int RecordCount { get; private set; }

    /// <summary>The highest durable sequence number.</summary>
    public int CompletionCount { get; private set; }

    /// <summary>The highest durable ordinal.</summary>
    public int OrdinalCount { get; private set; }

    /// <summary>A record has become durable.</summary>
    public void Add(RecordStart start, StoredRecord? record, int completions, int ordinals)
    {
        lock (_lock)
        {
            _starts.Add(start);
            RecordCount++;
            CompletionCount = completions;
            OrdinalCount = ordinals;
            if (record is not null) Keep(record);
        }
    }

    /// <summary>
    /// Outcomes of the job's own items after a sequence number, as recorded: those whose value is elsewhere say
    /// where.
    /// </summary>
    public async ValueTask<ArraySegment<Outcome>> ReadItemsAsync(int after, int max, CancellationToken cancellation)
    {
        int number;
        lock (_lock)
        {
            if (after >= CompletionCount) return default;
            number = Find(start => start.FirstSequence, after + 1);
        }
        DecodedRecord record = await DecodeAsync(number, cancellation);
        int first = after + 1 - record.Start.FirstSequence;
        return new ArraySegment<Outcome>(record.Items, first, Math.Min(max, record.Items.Length - first));
    }

    /// <summary>The completion with this ordinal.</summary>
    public async ValueTask<Outcome> FindAsync(int ordinal, CancellationToken cancellation)
    {
        int number;
        lock (_lock) number = Find(start => start.FirstOrdinal, ordinal);
        DecodedRecord record = await DecodeAsync(number, cancellation);
        return record.All[ordinal - record.Start.FirstOrdinal];
    }

    /// <summary>Records in order, without values.</summary>
    public async IAsyncEnumerable<StoredRecord> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int next = 0, count = RecordCount; next < count;)
        {
            IReadOnlyList<StoredRecord> records =
                await store.ReadRecordsAsync(job, next, Math.Min(256, count - next), false, cancellation);
            foreach (StoredRecord record in records)
            {
                if (record.Number != next++) throw Blob.Damaged(BlobKind.Events, job, next - 1, "is missing");
                yield return record;
            }
            if (records.Count == 0) throw Blob.Damaged(BlobKind.Events, job, next, "is missing");
        }
    }

    // The last record that begins at or before the position, skipping records without completions.
    private int Find(Func<RecordStart, int> position, int wanted)
    {
        int low = 0, high = _starts.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (position(_starts[middle]) <= wanted) low = middle;
            else high = middle - 1;
        }
        return _starts[low].Number;
    }

    private async ValueTask<DecodedRecord> DecodeAsync(int number, CancellationToken cancellation)
    {
        // Benign when raced: the slots only save work.
        if (_decoded[number % _decoded.Length] is { } decoded && decoded.Start.Number == number) return decoded;
        StoredRecord? record;
        lock (_lock) record = _recent.FirstOrDefault(r => r.Number == number);
        record ??= (await store.ReadRecordsAsync(job, number, 1, true, cancellation)) is [var only]
            && only.Number == number
            ? only
            : throw Blob.Damaged(BlobKind.Events, job, number, "is missing");
        return _decoded[number % _decoded.Length] = DecodedRecord.From(job, record);
    }

    private void Keep(StoredRecord record)
    {
        _recent.Enqueue(record);
        _recentBytes += Size(record);
        while (_recentBytes > CacheBytes && _recent.Count > 1) _recentBytes -= Size(_recent.Dequeue());
    }

    private static int Size(StoredRecord record) => record.Events.Length + record.Values.Length;
}
