using Granary.Conformance.Stores;
using Granary.Stores;
using Orleans.Storage;
using Xunit;

namespace Granary.Grains.Tests.Storage;

/// <summary>Of writers that all make the same job, or take the same key, one succeeds: each has a store of its own, as
/// silos have.</summary>
public sealed class FirstWriteRaceTests
{
    private const int Writers = 8;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task One_of_8_writers_of_a_first_state_succeeds_in_memory() =>
        await RaceAsync(await StorageSilo.MemoryAsync());

    [Fact]
    public async Task One_of_8_writers_succeeds_where_a_violated_key_is_an_error_of_the_provider() =>
        await RaceAsync(new UnknowingStorage(await StorageSilo.MemoryAsync()));

    [PostgresFact]
    public async Task One_of_8_writers_of_a_first_state_succeeds_in_PostgreSQL() =>
        await RaceAsync(await StorageSilo.AdoNetAsync());

    private static async Task RaceAsync(IGrainStorage storage)
    {
        string name = StorageSilo.NewName();
        IJobStore[] stores = [.. Enumerable.Range(0, Writers).Select(_ =>
            new GrainStorageJobStore(storage, name, TimeProvider.System))];
        long end = Environment.TickCount64 + (long)Length.TotalMilliseconds;
        int job = 0;
        for (int round = 0; Environment.TickCount64 < end; round++)
        {
            JobWrite same = Writes.New(++job);
            WriteResult[] results = await Task.WhenAll(stores.Select(store => Task.Run(() => store.CommitAsync(same))));
            Assert.Equal(1, results.Count(result => result == WriteResult.Written));
            Assert.Equal(Writers - 1, results.Count(result => result == WriteResult.IdTaken));

            // Different jobs, one key.
            string key = $"key {round}";
            JobWrite[] keyed = [.. stores.Select(_ => Writes.New(++job, key))];
            results = await Task.WhenAll(stores.Select((store, i) => Task.Run(() => store.CommitAsync(keyed[i]))));
            Assert.Equal(1, results.Count(result => result == WriteResult.Written));
            Assert.Equal(Writers - 1, results.Count(result => result == WriteResult.KeyTaken));
            JobId holder = keyed[Array.IndexOf(results, WriteResult.Written)].Job;
            Assert.All(
                await Task.WhenAll(stores.Select(store => store.FindAsync(key, default).AsTask())),
                found => Assert.Equal(holder, found));
        }
        Assert.True(job > Writers, "At least one round in its time.");
    }

    // As the PostgreSQL script of the ADO.NET provider behaves once its table has a unique key.
    private sealed class UnknowingStorage(IGrainStorage storage) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.ReadStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.ClearStateAsync(stateName, grainId, grainState);

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            bool isFirst = grainState.ETag is null;
            try
            {
                await storage.WriteStateAsync(stateName, grainId, grainState);
            }
            catch (InconsistentStateException e) when (isFirst)
            {
                throw new InvalidOperationException("duplicate key value violates unique constraint", e);
            }
        }
    }
}
