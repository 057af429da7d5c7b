using Granary.Stores;

namespace Granary.Grains;

/// <summary>What a group of writes does to one job.</summary>
internal sealed class JobChange(JobId job, HeldRow held, int[] writes) : RowChange(job, held)
{
    private readonly List<NewState> _parts = [];

    /// <summary>Its writes, by their place in the group.</summary>
    public IReadOnlyList<int> Writes { get; } = writes;

    /// <summary>By which its row is known again when the answer to a write of it was lost.</summary>
    public ulong Nonce { get; } = (ulong)Random.Shared.NextInt64(1, long.MaxValue);

    public bool IsLoaded { get; set; }

    /// <summary>Its row is written; nothing more is to do.</summary>
    public bool IsWritten { get; set; }

    /// <summary>What is known of the row may not be true any more.</summary>
    public bool IsCached { get; set; }

    /// <summary>The row has changed: it has to be read and everything decided again.</summary>
    public bool MustReload { get; set; }

    /// <summary>States to be written before the row.</summary>
    public IReadOnlyList<NewState> Parts => _parts;

    public void Begin()
    {
        _parts.Clear();
        MustReload = false;
        After = Held.Job;
    }

    public WriteResult Check(JobWrite write)
    {
        if (write.Header is not null)
        {
            if (write.Epoch != 1 || !write.Follows(0, 0)) return WriteResult.Fenced;
            return After is null ? WriteResult.Written : WriteResult.IdTaken;
        }
        return After is { IsRemoved: false } row && row.Epoch == write.Epoch && write.Follows(row.Pages, row.Records)
            ? WriteResult.Written
            : WriteResult.Fenced;
    }

    public void Apply(JobWrite write)
    {
        JobRow row = After ?? new JobRow { Epoch = 1, Header = write.Header!.Value };
        foreach (StoredPage page in write.Pages) _parts.AddRange(JobParts.Of(Job, page));
        After = WithRecord(row, write.Record) with
        {
            Phase = write.Phase,
            State = write.State,
            Key = write.Key ?? row.Key,
            DueAt = write.DueAt?.UtcTicks,
            ExpiresAt = write.ExpiresAt?.UtcTicks,
            Pages = row.Pages + write.Pages.Count,
            Summary = write.Summary,
        };
    }

    private JobRow WithRecord(JobRow row, StoredRecord? record)
    {
        if (record is null) return row;
        var parts = new RecordParts(
            Part.Of(record.Events, JobParts.MaxInlineRecord), Part.Of(record.Values, JobParts.MaxInlineRecord));
        _parts.AddRange(JobParts.Of(Job, record, parts));
        RecordParts[] tail = [.. row.Tail, parts];
        if (tail.Length == JobParts.RecordsPerSegment)
        {
            _parts.Add(JobParts.OfSegment(Job, row.Records / JobParts.RecordsPerSegment, tail));
            tail = [];
        }
        return row with { Tail = tail, Records = row.Records + 1 };
    }
}
