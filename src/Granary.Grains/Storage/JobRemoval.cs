using Granary.Stores;

namespace Granary.Grains;

/// <summary>Removes a job: first nobody sees it any more, then it goes piece by piece, its row and entry
/// last.</summary>
internal sealed class JobRemoval(JobRows rows, JobKeys keys, JobIndex index, JobParts parts)
{
    /// <returns>Whether nothing is left to remove.</returns>
    public async Task<bool> RunAsync(JobId job, int maxRows)
    {
        if (await HideAsync(job) is not { } row) return true;
        if (row.Key is not null) await keys.ReleaseAsync(row.Key, job);
        int left = maxRows, pages = row.Pages, records = row.Records;
        for (; left > 0 && pages > 0; left--) await parts.ClearPageAsync(job, --pages);
        IReadOnlyList<RecordParts> tail = row.Tail;
        if (left > 0 && tail.Count > 0)
        {
            await parts.ClearRecordsAsync(job, records - tail.Count, tail);
            (left, records, tail) = (left - tail.Count, records - tail.Count, []);
        }
        for (; left > 0 && records > 0; left -= JobParts.RecordsPerSegment)
        {
            records -= JobParts.RecordsPerSegment;
            await parts.ClearSegmentAsync(job, records / JobParts.RecordsPerSegment);
        }
        if (left <= 0)
        {
            await rows.UpdateAsync(job, r => r with { Key = null, Pages = pages, Records = records, Tail = tail });
            return false;
        }
        await rows.ClearAsync(job);
        if (row.Place is { } place)
            await index[place.Index].ChangeAsync([new EntryChange(job, place.Depth, place.Stamp, null)]);
        return true;
    }

    // Its holder is refused from now on. Null where there is nothing to remove: a live job is left alone.
    private async Task<JobRow?> HideAsync(JobId job)
    {
        for (int attempt = 0; ; attempt++)
        {
            HeldRow held = await rows.ReadAsync(job);
            if (held.Job is not { } row || row.IsRemoved) return held.Job;
            if (row.Phase == JobPhase.Live) return null;
            var change = new RowChange(job, held)
            {
                After = row with
                {
                    IsRemoved = true,
                    Epoch = row.Epoch + 1,
                    DueAt = null,
                },
            };
            if (await index.TryChangeAsync(change, raises: false)) return change.After;
            await StateStorage.PauseAsync(attempt, JobRows.Key(job));
        }
    }
}
