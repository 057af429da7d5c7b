using Granary.Persistence;
using Granary.Stores;

namespace Granary.Engines;

/// <summary>
/// The completions of one record, as recorded: where a value is elsewhere, they say where. The index is −1 for nodes
/// that are not items of the job itself.
/// </summary>
internal sealed class DecodedRecord
{
    public required RecordStart Start { get; init; }

    /// <summary>Completions of all nodes, by ordinal.</summary>
    public required Outcome[] All { get; init; }

    /// <summary>Completions of the job's own items, by sequence number.</summary>
    public required Outcome[] Items { get; init; }

    [ThreadStatic] private static List<Outcome>? t_scratch;

    // What succeeds without a value, such as an empty chain, has the JSON null.
    private static readonly ReadOnlyMemory<byte> Null = "null"u8.ToArray();

    public static DecodedRecord From(JobId job, StoredRecord record)
    {
        // A blob of no values has some bytes too. None at all are a damaged row, and would read as no values.
        if (record.Values.IsEmpty) throw Blob.Damaged(BlobKind.Values, job, record.Number, "is missing");
        var reader = new RecordReader(job, record);
        // Used again, so that only the exact arrays are left.
        List<Outcome> all = t_scratch ??= [];
        all.Clear();
        int items = 0, sequence = reader.Start.FirstSequence;
        while (reader.Next(out JobEvent e))
        {
            if (e.Kind is not (EventKind.Completed or EventKind.EndedRange)) continue;
            for (int i = 0; i < (e.Kind == EventKind.EndedRange ? e.Number : 1); i++)
            {
                bool isItem = e.Item >= 0;
                all.Add(ToOutcome(e, i, isItem ? sequence++ : 0));
                if (isItem) items++;
            }
        }
        Outcome[] every = all.ToArray();
        if (all.Capacity > 16_384) t_scratch = null;
        return new DecodedRecord
        {
            Start = reader.Start,
            All = every,
            Items = items == every.Length ? every : Array.FindAll(every, outcome => outcome.Sequence > 0),
        };
    }

    private static Outcome ToOutcome(in JobEvent e, int offset, int sequence) => new()
    {
        Index = e.Item < 0 ? -1 : e.Item + offset,
        Sequence = sequence,
        State = e.State,
        Reason = e.Reason,
        Value = e.State == JobState.Succeeded && e.Source.Kind == ValueKind.None ? Null : e.Value,
        Error = e.State == JobState.Failed && e.Source.Kind == ValueKind.None
            ? e.Error ?? OutcomeErrors.For(e.Reason)
            : e.Error,
        Source = e.Source,
        Attempts = e.Kind == EventKind.EndedRange ? 0 : e.Number,
        StartedAt = (e.At - e.Span).ToTime(),
        Duration = e.Span,
        Place = e.Text,
    };
}
