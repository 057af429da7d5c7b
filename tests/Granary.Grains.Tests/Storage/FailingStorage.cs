using Orleans.Storage;

namespace Granary.Grains.Tests.Storage;

/// <summary>A provider that fails some calls: half of these have done their work all the same.</summary>
internal sealed class FailingStorage(IGrainStorage storage, double share, int seed) : IGrainStorage
{
    private readonly Random _random = new(seed);

    public int Failures { get; private set; }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        CallAsync(() => storage.ReadStateAsync(stateName, grainId, grainState));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        CallAsync(() => storage.ClearStateAsync(stateName, grainId, grainState));

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        CallAsync(() => storage.WriteStateAsync(stateName, grainId, grainState));

    private async Task CallAsync(Func<Task> call)
    {
        double roll;
        lock (_random) roll = _random.NextDouble();
        if (roll >= share / 2) await call();
        if (roll >= share) return;
        lock (_random) Failures++;
        throw new TimeoutException("injected");
    }
}
