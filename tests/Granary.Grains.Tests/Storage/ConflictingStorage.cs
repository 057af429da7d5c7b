using Orleans.Storage;

namespace Granary.Grains.Tests.Storage;

/// <summary>A provider that answers some writes with a conflict: half of these were written all the same, as where it
/// tries again by itself after a lost answer.</summary>
internal sealed class ConflictingStorage(IGrainStorage storage, double share, int seed) : IGrainStorage
{
    private readonly Random _random = new(seed);

    public int Conflicts { get; private set; }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        storage.ReadStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        storage.ClearStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        double roll;
        lock (_random) roll = _random.NextDouble();
        if (roll >= share / 2) await storage.WriteStateAsync(stateName, grainId, grainState);
        if (roll >= share) return;
        lock (_random) Conflicts++;
        throw new InconsistentStateException("injected", "stored", grainState.ETag ?? "none");
    }
}
