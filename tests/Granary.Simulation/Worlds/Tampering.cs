using Granary.Persistence;
using Granary.Simulation.Checks;
using Granary.Stores;

namespace Granary.Simulation.Worlds;

/// <summary>What planted bugs of the disk do to records: events are left out or changed, and the record is sealed
/// again.</summary>
internal sealed class Tampering(PlantedBug planted)
{
    private int _writes;

    /// <summary>The planted bug: acknowledged and not written.</summary>
    public bool Loses(JobWrite write) => planted == PlantedBug.WriteLost && write.Header is null && ++_writes % 7 == 0;

    /// <summary>The record as it is kept. May change an earlier one.</summary>
    public StoredRecord Change(JobId job, StoredRecord record, List<StoredRecord> earlier)
    {
        switch (planted)
        {
            case PlantedBug.CancelNotDurable:
                return Without(job, record, EventKind.CancelRequested);
            case PlantedBug.ResizeNotDurable:
                return Without(job, record, EventKind.Resized);
            case PlantedBug.PauseForgotten:
                return Without(job, record, EventKind.Paused);
            case PlantedBug.AppendKeyForgotten:
                return Rewrite(job, record, events =>
                {
                    for (int i = 0; i < events.Count; i++)
                        if (events[i].Kind == EventKind.Appended) events[i] = events[i] with { Text = "" };
                });
            case PlantedBug.ResultsSwapped:
                return Rewrite(job, record, Swap);
            case PlantedBug.OutcomeOverwritten when earlier.Count > 0 && ++_writes % 3 == 0:
                earlier[^1] = Rewrite(job, earlier[^1], Overwrite);
                return record;
            default:
                return record;
        }
    }

    private static StoredRecord Without(JobId job, StoredRecord record, EventKind kind) =>
        Rewrite(job, record, events => events.RemoveAll(e => e.Kind == kind));

    private static void Swap(List<JobEvent> events)
    {
        int[] results = [.. Enumerable.Range(0, events.Count).Where(i => events[i].Source.Kind == ValueKind.Inline)];
        if (results.Length < 2) return;
        (JobEvent first, JobEvent second) = (events[results[0]], events[results[1]]);
        events[results[0]] = first with { Value = second.Value };
        events[results[1]] = second with { Value = first.Value };
    }

    private static void Overwrite(List<JobEvent> events)
    {
        int at = events.FindIndex(e => e.Kind == EventKind.Completed && e.Source.Kind == ValueKind.Inline);
        if (at >= 0) events[at] = events[at] with { Value = "0"u8.ToArray() };
    }

    private static StoredRecord Rewrite(JobId job, StoredRecord record, Action<List<JobEvent>> change)
    {
        var reader = new RecordReader(job, record);
        var events = new List<JobEvent>();
        while (reader.Next(out JobEvent e)) events.Add(e);
        JobEvent[] before = [.. events];
        change(events);
        if (events.SequenceEqual(before)) return record;
        var writer = new RecordWriter(job, reader.Place);
        writer.Begin(reader.Start);
        foreach (JobEvent e in events) writer.Add(e);
        // An empty record cannot be taken: one that says nothing stands for it.
        if (events.Count == 0) writer.Add(new JobEvent { Kind = EventKind.Resumed, At = before[0].At });
        return writer.Take();
    }
}
