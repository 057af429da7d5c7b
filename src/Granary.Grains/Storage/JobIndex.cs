namespace Granary.Grains;

/// <summary>
/// Two trees of entries, by which jobs are found: what is open, and what has ended. An entry always covers its job's
/// row: it is made, or made to cover more, before the row is written, and narrowed or removed after it. So a crash in
/// between leaves at most an entry that says too much; who meets one looks at the row, and mends the entry.
/// </summary>
internal sealed class JobIndex(StateStorage storage, JobRows rows, TimeProvider time)
{
    /// <summary>An entry whose job has no row after so long is of a submission that was cut off: 1 hour.</summary>
    private static readonly long CutOff = TimeSpan.FromHours(1).Ticks;

    private readonly IndexTree _open = new(storage, "open", time);
    private readonly IndexTree _ended = new(storage, "ended", time);

    public IndexTree this[IndexKind kind] => kind == IndexKind.Open ? _open : _ended;

    /// <summary>First step of a change: the entries cover the rows as they shall be, and still as they are.</summary>
    /// <param name="changes">The changes; they learn where their entries are.</param>
    /// <param name="raises">Whether entries that name too early a time are to name the right one, in the last step;
    /// otherwise they are left until that time.</param>
    public async Task PrepareAsync(IReadOnlyList<RowChange> changes, bool raises = false)
    {
        List<(RowChange Change, Place Wanted, Placing Placing)> moves = [];
        foreach (RowChange change in changes)
        {
            JobRow row = change.After!;
            Place wanted = row.WantedPlace;
            if (row.Place is { } place && place.Covers(wanted))
            {
                if (raises && place.At < wanted.At) change.After = row with { Place = place with { At = wanted.At } };
                continue;
            }
            wanted = wanted with { Stamp = (uint)Random.Shared.NextInt64() };
            int depth = row.Place is { } old && old.Index == wanted.Index ? old.Depth : Placing.Anywhere;
            moves.Add((change, wanted, new Placing(wanted.Entry(change.Job), depth)));
        }
        await Task.WhenAll(moves.GroupBy(move => move.Wanted.Index)
            .Select(tree => this[tree.Key].PutAsync([.. tree.Select(move => move.Placing)])));
        foreach ((RowChange change, Place wanted, Placing placing) in moves)
            change.After = change.After! with { Place = wanted with { Depth = placing.Depth } };
    }

    /// <summary>Last step of a change, after the rows: entries say no more than they have to.</summary>
    public Task SettleAsync(IEnumerable<(Place? Before, RowChange Change)> changes)
    {
        List<(IndexKind Index, EntryChange Change)> entries = [];
        foreach ((Place? before, RowChange change) in changes)
        {
            if (before is not { } old || change.After?.Place is not { } now) continue;
            if (old.Index != now.Index || old.Depth != now.Depth)
                entries.Add((old.Index, new EntryChange(change.Job, old.Depth, old.Stamp, null)));
            else if (old.Stamp == now.Stamp && old != now)
                entries.Add((now.Index, new EntryChange(change.Job, now.Depth, now.Stamp, now.Entry(change.Job))));
        }
        return Task.WhenAll(entries.GroupBy(entry => entry.Index)
            .Select(tree => this[tree.Key].ChangeAsync(tree.Select(entry => entry.Change))));
    }

    /// <summary>All three steps, for rows whose jobs nobody commits with it.</summary>
    /// <returns>Whether the row was still as it was read.</returns>
    public async Task<bool> TryChangeAsync(RowChange change, bool raises)
    {
        Place? before = change.Held.Row?.Place;
        await PrepareAsync([change], raises);
        if (change.IsChange)
        {
            if (await rows.TryWriteAsync(change.Job, change.After!, change.Held.ETag) is not { }) return false;
        }
        await SettleAsync([(before, change)]);
        return true;
    }

    /// <summary>
    /// Makes an entry and its row agree. Both may belong to a write that is on its way between them, so the row is
    /// fenced before an entry is taken from it.
    /// </summary>
    public async Task MendAsync(IndexKind kind, FoundEntry found, HeldRow held, long now)
    {
        IndexEntry entry = found.Entry;
        if (held.Job is not { } row)
        {
            long submitted = DateTimeOffset.UnixEpoch.Ticks + ((entry.Job.Value >> 21) * TimeSpan.TicksPerMillisecond);
            if (submitted + CutOff < now) await RemoveAsync(kind, found);
            return;
        }
        bool isSlot = row.Place is { } place && place.Index == kind && place.Depth == found.Depth;
        if (!isSlot)
        {
            if (await rows.FenceAsync(entry.Job, held)) await RemoveAsync(kind, found);
            return;
        }
        var change = new RowChange(entry.Job, held);
        if (row.Place!.Value.Stamp != entry.Stamp)
            change.After = row with { Place = new Place(kind, found.Depth, entry.Tag, entry.At, entry.Stamp) };
        if (!await TryChangeAsync(change, raises: true)) return;
        if (change.After!.Place is { } right && right.Stamp == entry.Stamp && right.Entry(entry.Job) != entry)
            await this[kind].ChangeAsync(
                [new EntryChange(entry.Job, found.Depth, entry.Stamp, right.Entry(entry.Job))]);
    }

    private Task RemoveAsync(IndexKind kind, FoundEntry found) => this[kind].ChangeAsync(
        [new EntryChange(found.Entry.Job, found.Depth, found.Entry.Stamp, null)]);
}
