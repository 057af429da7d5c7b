using System.Collections.Concurrent;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>A row as it was read or written, and what its next write must name. A null row: there is none.</summary>
internal readonly record struct HeldRow(JobRow? Row, string? ETag)
{
    /// <summary>The job, if there is one.</summary>
    public JobRow? Job => Row is { IsVoid: false } row ? row : null;
}

/// <summary>The rows of jobs. Those that this process wrote last are kept, to be written without reading them first:
/// a conflict tells when that was not true any more.</summary>
internal sealed class JobRows(StateStorage storage)
{
    private const int MaxCached = 4_096;

    private readonly ConcurrentDictionary<JobId, HeldRow> _cache = new();

    public static string Key(JobId job) => $"job-{job}";

    /// <summary>The row as it was when this process last saw it.</summary>
    public bool TryGetCached(JobId job, out HeldRow held) => _cache.TryGetValue(job, out held);

    public void Forget(JobId job) => _cache.TryRemove(job, out _);

    /// <summary>The row as it is now.</summary>
    public async Task<HeldRow> ReadAsync(JobId job)
    {
        StoredState state = await storage.ReadAsync(Key(job));
        return new HeldRow(state.Content is { } content ? JobRow.Read(content.Span) : null, state.ETag);
    }

    /// <summary>Writes the row if nobody has written it since it was read.</summary>
    /// <returns>What is there now; null after a conflict.</returns>
    public async Task<HeldRow?> TryWriteAsync(JobId job, JobRow row, string? etag, ulong? nonce = null)
    {
        row = row with { Nonce = nonce ?? (ulong)Random.Shared.NextInt64() };
        (bool isWritten, string? newETag) = await storage.TryWriteAsync(Key(job), row.Write(), etag);
        var held = new HeldRow(row, newETag);
        if (!isWritten)
        {
            Forget(job);
            held = await ReadAsync(job);
            // A provider may try again by itself after a lost answer, and then meets its own write.
            if (held.Row is null || held.Row.Nonce != row.Nonce) return null;
        }
        if (_cache.Count >= MaxCached) _cache.Clear();
        _cache[job] = held;
        return held;
    }

    /// <summary>Changes the row, as often as it takes. A change of null leaves it, and so does a job that is not
    /// there.</summary>
    /// <returns>The row before; null if there is no job.</returns>
    public async Task<JobRow?> UpdateAsync(JobId job, Func<JobRow, JobRow?> change)
    {
        for (int attempt = 0; ; attempt++)
        {
            HeldRow held = await ReadAsync(job);
            if (held.Job is not { } row || change(row) is not { } changed) return held.Job;
            if (await TryWriteAsync(job, changed, held.ETag) is not null) return row;
            await StateStorage.PauseAsync(attempt, Key(job));
        }
    }

    /// <summary>Writes the row as it is, so that whoever is about to write it has to look again.</summary>
    /// <returns>Whether it was still the one that was read.</returns>
    public async Task<bool> FenceAsync(JobId job, HeldRow held)
    {
        Forget(job);
        return await TryWriteAsync(job, held.Row ?? JobRow.Void, held.ETag) is not null;
    }

    /// <summary>Clears the row, last of a job.</summary>
    public Task ClearAsync(JobId job)
    {
        Forget(job);
        return storage.ClearAsync(Key(job));
    }
}
