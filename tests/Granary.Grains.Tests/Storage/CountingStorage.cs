using Orleans.Storage;

namespace Granary.Grains.Tests.Storage;

/// <summary>Counts what goes to a provider.</summary>
internal sealed class CountingStorage(IGrainStorage storage) : IGrainStorage
{
    private long _reads, _writes, _clears, _bytes;

    public (long Reads, long Writes, long Clears, long Bytes) Counts => (
        Interlocked.Read(ref _reads), Interlocked.Read(ref _writes), Interlocked.Read(ref _clears),
        Interlocked.Read(ref _bytes));

    /// <summary>The largest state that was written.</summary>
    public int Largest { get; private set; }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        Interlocked.Increment(ref _reads);
        return storage.ReadStateAsync(stateName, grainId, grainState);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        Interlocked.Increment(ref _clears);
        return storage.ClearStateAsync(stateName, grainId, grainState);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        int bytes = ((StoredBytes)(object)grainState.State!).Bytes.Length;
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _bytes, bytes);
        Largest = Math.Max(Largest, bytes);
        return storage.WriteStateAsync(stateName, grainId, grainState);
    }
}
