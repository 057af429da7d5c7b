using System.Security.Cryptography;
using System.Text;
using Granary.Persistence;

namespace Granary.Grains;

/// <summary>
/// Which job has a key: a state for each key, found by the key's hash. A key is taken before its job's row says so; it
/// is held only while the row does, so what a crash in between has left is free. Whoever takes a key from a job whose
/// row does not say so fences that row first: so a writer on its way there finds out.
/// </summary>
internal sealed class JobKeys(StateStorage storage, JobRows rows)
{
    /// <summary>The job with this key, or null.</summary>
    public async Task<JobId?> FindAsync(string key)
    {
        JobId? job = Read(await storage.ReadAsync(Name(key)));
        return job is { } holder && (await rows.ReadAsync(holder)).Job is { IsRemoved: false } row && row.Key == key
            ? job
            : null;
    }

    /// <summary>Takes the key for a job whose row does not say so yet.</summary>
    /// <returns>Whether it was free.</returns>
    public async Task<bool> TryTakeAsync(string key, JobId job)
    {
        string name = Name(key);
        for (int attempt = 0; ; attempt++)
        {
            StoredState state = await storage.ReadAsync(name);
            if (Read(state) is { } holder && holder != job)
            {
                HeldRow held = await rows.ReadAsync(holder);
                if (held.Job is { IsRemoved: false } row && row.Key == key) return false;
                if (!await rows.FenceAsync(holder, held)) continue;
                // Not by its ETag alone: a provider that counts begins anew where a state was cleared.
                StoredState now = await storage.ReadAsync(name);
                if (now.ETag != state.ETag || !Same(now, state)) continue;
            }
            // Also where it names this job already: whoever has read that and takes the key is to find out.
            (bool isWritten, _) = await storage.TryWriteAsync(name, Write(job), state.ETag);
            if (isWritten) return true;
            await StateStorage.PauseAsync(attempt, name);
        }
    }

    /// <summary>Gives the key back, if it still names this job.</summary>
    public async Task ReleaseAsync(string key, JobId job)
    {
        string name = Name(key);
        for (int attempt = 0; ; attempt++)
        {
            StoredState state = await storage.ReadAsync(name);
            if (Read(state) != job || await storage.TryClearAsync(name, state.ETag)) return;
            await StateStorage.PauseAsync(attempt, name);
        }
    }

    private static bool Same(StoredState one, StoredState other) =>
        one.Content is { } a && other.Content is { } b && a.Span.SequenceEqual(b.Span);

    private static string Name(string key) =>
        "key-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static ByteWriter Write(JobId job)
    {
        var writer = new ByteWriter(32);
        writer.Signed(job.Value);
        writer.Varint((ulong)Random.Shared.NextInt64());
        return writer;
    }

    private static JobId? Read(StoredState state)
    {
        if (state.Content is not { } content) return null;
        var reader = new ByteReader(content.Span);
        return new JobId(reader.Signed());
    }
}
