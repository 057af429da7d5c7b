using Granary.Conformance;
using Orleans.Storage;
using Xunit;

namespace Granary.Grains.Tests.Storage;

public sealed class IndexTreeTests
{
    private readonly string _name = StorageSilo.NewName();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Many_entries_spread_over_pages_and_all_are_found_in_order()
    {
        IndexTree tree = await OpenAsync();
        long[] ids = [.. NewIds(3_000)];
        await tree.PutAsync([.. ids.Select(id => new Placing(Entry(id)))]);
        IReadOnlyCollection<FoundEntry> all = await tree.AllAsync();
        Assert.Equal(ids.Order(), all.Select(found => found.Entry.Job.Value).Order());
        Assert.Contains(all, found => found.Depth > 1);
        Assert.Equal(ids.OrderDescending(), await NewestAsync(tree, long.MaxValue));
        Assert.Equal(ids.Where(id => id < ids[1_500]).OrderDescending(), await NewestAsync(tree, ids[1_500]));
    }

    [Fact]
    public async Task Pages_that_stay_empty_are_removed_and_may_come_again()
    {
        var storage = new CountingStorage(await StorageSilo.MemoryAsync());
        IndexTree tree = Open(storage);
        long[] ids = [.. NewIds(3_000)];
        for (int round = 0; round < 2; round++)
        {
            await tree.PutAsync([.. ids.Select(id => new Placing(Entry(id)))]);
            IReadOnlyCollection<FoundEntry> all = await tree.AllAsync();
            Assert.Equal(ids.Length, all.Count);
            await tree.ChangeAsync(all.Select(found => new EntryChange(found.Entry.Job, found.Depth, 1, null)));
            // A level at a time, each after its while.
            for (int level = 0; level < 16; level++)
            {
                Assert.Empty(await tree.AllAsync());
                _time.Advance(TimeSpan.FromMinutes(2));
                Assert.Empty(await tree.AllAsync());
            }
            long reads = storage.Counts.Reads;
            Assert.Empty(await tree.AllAsync());
            Assert.Equal(1, storage.Counts.Reads - reads);
        }
    }

    [Fact]
    public async Task Nothing_is_out_of_sight_while_pages_are_filled_emptied_and_removed()
    {
        IGrainStorage memory = await StorageSilo.MemoryAsync();
        long[] ids = [.. NewIds(1_200)];
        using var stop = new CancellationTokenSource();
        IndexTree sweeper = Open(memory);
        Task sweeping = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await sweeper.AllAsync();
                _time.Advance(TimeSpan.FromMinutes(2));
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            IndexTree tree = Open(memory);
            long[] own = [.. ids.Where((_, i) => i % 3 == writer)];
            for (int round = 0; round < 12; round++)
            {
                List<Placing> placings = [.. own.Select(id => new Placing(Entry(id)))];
                await tree.PutAsync(placings);
                HashSet<long> seen = [.. (await tree.AllAsync()).Select(found => found.Entry.Job.Value)];
                Assert.All(own, id => Assert.Contains(id, seen));
                if (round == 11) return;
                await tree.ChangeAsync(placings.Select(p => new EntryChange(p.Entry.Job, p.Depth, 1, null)));
            }
        })));
        await stop.CancelAsync();
        await sweeping;
        Assert.Equal(ids.Order(), (await sweeper.AllAsync()).Select(found => found.Entry.Job.Value).Order());
    }

    private async Task<IndexTree> OpenAsync() => Open(await StorageSilo.MemoryAsync());

    private IndexTree Open(IGrainStorage storage) => new(new StateStorage(storage, _name), "tree", _time);

    private static IndexEntry Entry(long id) => new(new JobId(id), 1, 0, 1);

    // As many as some seconds of a busy cluster, and some of an idle one.
    private static IEnumerable<long> NewIds(int count)
    {
        var random = new Random(5);
        DateTimeOffset time = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (int i = 0; i < count; i++)
        {
            time += TimeSpan.FromMilliseconds(i % 100 == 0 ? 3_600_000 : 2);
            yield return JobId.From(time, random.Next()).Value;
        }
    }

    private static async Task<List<long>> NewestAsync(IndexTree tree, long before)
    {
        List<long> ids = [];
        await foreach (FoundEntry found in tree.NewestAsync(before)) ids.Add(found.Entry.Job.Value);
        return ids;
    }
}
