using Granary.Conformance.Stores;
using Granary.Stores;
using Orleans.Storage;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Grains.Tests.Storage;

/// <summary>What happens around a call to the provider that fails, or takes its time.</summary>
public sealed class LostAnswerTests
{
    private readonly int _seed = Random.Shared.Next();
    private readonly string _name = StorageSilo.NewName();

    [Fact]
    public async Task A_group_that_is_given_again_until_the_provider_answers_is_written_once()
    {
        const int Jobs = 8, Rounds = 40;
        IGrainStorage memory = await StorageSilo.MemoryAsync();
        var failing = new FailingStorage(memory, 0.1, _seed);
        GrainStorageJobStore store = Open(failing);
        await CommitAsync(store, [.. Enumerable.Range(1, Jobs).Select(job => New(job, $"key {job}", pages: 2))]);
        for (int round = 0; round < Rounds; round++)
            await CommitAsync(store, [.. Enumerable.Range(1, Jobs).Select(job => Next(job, record: round))]);
        Assert.True(failing.Failures > 0, $"Seed {_seed}");

        GrainStorageJobStore other = Open(memory);
        for (int job = 1; job <= Jobs; job++)
        {
            Assert.Equal(new JobId(job), await other.FindAsync($"key {job}", default));
            Assert.Equal(2, (await other.ReadPagesAsync(new JobId(job), 0, 9, true, default)).Count);
            Assert.Equal(
                Enumerable.Range(0, Rounds),
                (await other.ReadRecordsAsync(new JobId(job), 0, int.MaxValue, true, default)).Select(r => r.Number));
        }
        Assert.Equal(Jobs, (await other.ListLiveAsync(default, 100, default)).Count);
    }

    [Theory]
    [InlineData("-p0")]
    [InlineData("-s0")]
    public async Task A_job_that_is_removed_while_it_is_read_is_gone_and_not_damaged(string part)
    {
        IGrainStorage memory = await StorageSilo.MemoryAsync();
        var job = new JobId(7);
        GrainStorageJobStore store = Open(memory);
        await store.CommitAsync(
            [New(7, pages: 2), .. Enumerable.Range(0, 20).Select(i => Next(7, record: i)), End(7, default)], default);
        GrainStorageJobStore reader = Open(new WaitingStorage(memory, part, () => store.RemoveAllAsync(job)));
        Assert.Empty(part == "-p0"
            ? await reader.ReadPagesAsync(job, 0, 9, true, default)
            : (IReadOnlyList<object>)await reader.ReadRecordsAsync(job, 0, 20, true, default));
    }

    private GrainStorageJobStore Open(IGrainStorage storage) => new(storage, _name, TimeProvider.System);

    // As the group commit does it.
    private async Task CommitAsync(GrainStorageJobStore store, JobWrite[] group)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                WriteResult[] results = await store.CommitAsync(group, default);
                Assert.True(results.All(r => r == WriteResult.Written), $"Seed {_seed}: {string.Join(' ', results)}");
                return;
            }
            catch (StoreException error) when (error.IsTransient && tries < 1_000)
            {
                // Again.
            }
        }
    }

    /// <summary>Does something before it reads a certain part of a job.</summary>
    private sealed class WaitingStorage(IGrainStorage storage, string part, Func<Task> before) : IGrainStorage
    {
        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (grainId.Key.ToString()!.EndsWith(part, StringComparison.Ordinal)) await before();
            await storage.ReadStateAsync(stateName, grainId, grainState);
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.ClearStateAsync(stateName, grainId, grainState);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.WriteStateAsync(stateName, grainId, grainState);
    }
}
