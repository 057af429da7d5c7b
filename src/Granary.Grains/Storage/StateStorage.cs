using System.Numerics;
using System.Runtime.InteropServices;
using Granary.Persistence;
using Granary.Stores;
using Orleans.Storage;

namespace Granary.Grains;

/// <summary>A state as it was read: its content, null if there is none, and what a write must name to replace
/// it.</summary>
internal readonly record struct StoredState(ReadOnlyMemory<byte>? Content, string? ETag);

/// <summary>
/// Granary's states in a grain storage provider, used directly and outside of grains. A write names the ETag that it
/// replaces, and null for the first one; a conflict is an answer here, never an error, so nobody can overlook it. Every
/// content carries a checksum over itself and its key.
/// </summary>
internal sealed class StateStorage(IGrainStorage storage, string stateName)
{
    /// <summary>Written now. One version back stays readable.</summary>
    private const byte Version = 1;

    /// <summary>Calls to the provider at once.</summary>
    private const int AtOnce = 32;

    private static readonly GrainType Type = GrainType.Create("granary.store");

    private readonly SemaphoreSlim _room = new(AtOnce);

    /// <summary>Reads a state.</summary>
    /// <exception cref="StoreException">The provider failed, or what it gave is damaged.</exception>
    public async Task<StoredState> ReadAsync(string key)
    {
        GrainState<StoredBytes> state = await CallAsync(
            key, null, default, (id, state) => storage.ReadStateAsync(stateName, id, state));
        byte[]? bytes = state.RecordExists ? state.State?.Bytes : null;
        return bytes is { Length: > 0 }
            ? new StoredState(Open(key, bytes), state.ETag)
            : new StoredState(null, state.ETag);
    }

    /// <summary>Writes a state if it is still the one with this ETag.</summary>
    /// <returns>Its new ETag, or a conflict.</returns>
    /// <exception cref="StoreException">The provider failed: it is unknown whether it was written.</exception>
    public async Task<(bool IsWritten, string? ETag)> TryWriteAsync(string key, ByteWriter content, string? etag)
    {
        byte[] bytes = Seal(key, content);
        try
        {
            GrainState<StoredBytes> state = await CallAsync(
                key, etag, bytes, (id, state) => storage.WriteStateAsync(stateName, id, state));
            return (true, state.ETag);
        }
        catch (InconsistentStateException)
        {
            return (false, null);
        }
        // A database's unique key is a conflict too, and its provider may not know it for one.
        catch (StoreException) when (etag is null)
        {
            if ((await ReadAsync(key)).ETag is null) throw;
            return (false, null);
        }
    }

    /// <summary>Clears a state if it is still the one with this ETag.</summary>
    /// <returns>Whether it was.</returns>
    public async Task<bool> TryClearAsync(string key, string? etag)
    {
        try
        {
            await CallAsync(key, etag, default, (id, state) => storage.ClearStateAsync(stateName, id, state));
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }

    /// <summary>Clears a state whatever it holds: for one that nobody writes any more.</summary>
    public async Task ClearAsync(string key)
    {
        for (int attempt = 0; ; attempt++)
        {
            StoredState state = await ReadAsync(key);
            if (state.Content is null || await TryClearAsync(key, state.ETag)) return;
            await PauseAsync(attempt, key);
        }
    }

    /// <summary>Before trying again after a conflict: at once, then a little later each time.</summary>
    /// <exception cref="StoreException">It has been tried too often.</exception>
    public static Task PauseAsync(int attempt, string key)
    {
        if (attempt >= 200)
            throw new StoreException(
                StoreFault.Unavailable, $"The state {key} changes all the time: 200 writes in a row met a conflict.");
        return attempt < 2 ? Task.CompletedTask : Task.Delay(Random.Shared.Next(1, 2 + Math.Min(attempt, 50)));
    }

    private async Task<GrainState<StoredBytes>> CallAsync(
        string key, string? etag, byte[]? bytes, Func<GrainId, GrainState<StoredBytes>, Task> call)
    {
        var state = new GrainState<StoredBytes>
        {
            ETag = etag,
            State = bytes is null ? new StoredBytes() : new StoredBytes { Bytes = bytes },
            RecordExists = etag is not null,
        };
        await _room.WaitAsync();
        try
        {
            await call(GrainId.Create(Type, key), state);
            return state;
        }
        catch (Exception e) when (e is not (InconsistentStateException or StoreException))
        {
            throw new StoreException(StoreFault.Unavailable, $"The grain storage failed at {key}: {e.Message}", e);
        }
        finally
        {
            _room.Release();
        }
    }

    private static byte[] Seal(string key, ByteWriter content)
    {
        byte[] bytes = new byte[content.Length + 5];
        bytes[0] = Version;
        content.Written.CopyTo(bytes.AsSpan(1));
        MemoryMarshal.Write(bytes.AsSpan(^4), Checksum(bytes.AsSpan(0, bytes.Length - 4), key));
        return bytes;
    }

    private static ReadOnlyMemory<byte> Open(string key, byte[] bytes)
    {
        if (bytes.Length < 5
            || MemoryMarshal.Read<uint>(bytes.AsSpan(^4)) != Checksum(bytes.AsSpan(0, bytes.Length - 4), key))
            throw new StoreException(
                StoreFault.Corrupt, $"The state {key} does not match its checksum. Restore the storage from a backup.");
        if (bytes[0] != Version)
            throw new StoreException(
                StoreFault.Newer, $"The state {key} was written by a newer version of Granary. Use that version.");
        return bytes.AsMemory(1, bytes.Length - 5);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes, string key)
    {
        uint crc = uint.MaxValue;
        foreach (char c in key) crc = BitOperations.Crc32C(crc, c);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (byte b in bytes[(words.Length * 8)..]) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
