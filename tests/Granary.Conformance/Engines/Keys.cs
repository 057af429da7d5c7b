namespace Granary.Conformance.Engines;

/// <summary>S2: a submission with a key is safe to repeat.</summary>
public abstract class Keys(EngineFixture fixture) : EngineTests(fixture)
{
    private static BatchOptions Keyed(string key = "k", int pool = 2) => new() { Key = key, MaxConcurrency = pool };

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_and_content_give_the_same_job()
    {
        GranaryClient granary = await StartAsync();

        BatchHandle<int> first = await granary.StartBatchAsync<int, int>("same", [1, 2], Keyed());
        BatchHandle<int> second = await granary.StartBatchAsync<int, int>("same", [1, 2], Keyed());

        Assert.False(first.Existed);
        Assert.True(second.Existed);
        Assert.Equal(first.Id, second.Id);
        Assert.Equal([1, 2], await second.ResultsAsync().Soon());
        Assert.Single(await ListAsync(granary.ListJobsAsync()));
    }

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_gives_the_same_job_after_it_ended_and_after_a_crash()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> first = await granary.StartBatchAsync<int, int>("same", [1, 2], Keyed());
        await first.ResultsAsync().Soon();

        granary = await RestartAsync();

        BatchHandle<int> second = await granary.StartBatchAsync<int, int>("same", [1, 2], Keyed());
        Assert.Equal((true, first.Id), (second.Existed, second.Id));
        Assert.Equal([1, 2], await second.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S2")]
    public async Task Submissions_with_one_key_at_the_same_moment_give_one_job()
    {
        GranaryClient granary = await StartAsync();

        BatchHandle<int>[] handles = await Task.WhenAll(Enumerable.Range(0, 16).Select(
            _ => Task.Run(() => granary.StartBatchAsync<int, int>("same", [1, 2, 3], Keyed())))).Soon();

        Assert.Single(handles.Select(handle => handle.Id).Distinct());
        Assert.Single(handles, handle => !handle.Existed);
        Assert.Single(await ListAsync(granary.ListJobsAsync()));
    }

    [Fact, Trait("promise", "S2")]
    public async Task Other_keys_and_no_keys_give_other_jobs()
    {
        GranaryClient granary = await StartAsync();
        JobId[] ids =
        [
            (await granary.StartBatchAsync<int, int>("same", [1], Keyed("a"))).Id,
            (await granary.StartBatchAsync<int, int>("same", [1], Keyed("b"))).Id,
            (await granary.StartBatchAsync<int, int>("same", [1])).Id,
            (await granary.StartBatchAsync<int, int>("same", [1])).Id,
        ];
        Assert.Equal(4, ids.Distinct().Count());
    }

    [Fact, Trait("promise", "S2")]
    public async Task A_key_is_found_and_an_unknown_one_is_not()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1], Keyed());
        Assert.Equal(batch.Id, await granary.FindAsync("k"));
        Assert.Null(await granary.FindAsync("K"));
        granary = await RestartAsync();
        Assert.Equal(batch.Id, await granary.FindAsync("k"));
    }

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_with_other_arguments_is_refused_and_the_item_is_named()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> first = await granary.StartBatchAsync<int, int>("same", [1, 2, 3], Keyed());

        RefusedException refused = await RefusedAsync(
            Refusal.KeyConflict, () => granary.StartBatchAsync<int, int>("same", [1, 2, 4], Keyed()));

        Assert.Contains("'k'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(first.Id.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Contains("item 2", refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Single(await ListAsync(granary.ListJobsAsync()));
    }

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_with_more_or_fewer_items_is_refused()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<int, int>("same", [1, 2, 3], Keyed());
        foreach (int[] other in new int[][] { [1, 2], [1, 2, 3, 4], [] })
        {
            RefusedException refused = await RefusedAsync(
                Refusal.KeyConflict, () => granary.StartBatchAsync<int, int>("same", other, Keyed()));
            Assert.Contains("item", refused.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_with_another_setting_is_refused_and_the_setting_is_named()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<int, int>("same", [1], Keyed());
        (string Setting, BatchOptions Options)[] others =
        [
            (nameof(BatchOptions.MaxConcurrency), Keyed(pool: 3)),
            (nameof(BatchOptions.OnFailure), Keyed() with { OnFailure = FailurePolicy.CancelPending }),
            (nameof(BatchOptions.Deadline), Keyed() with { Deadline = Hour }),
            (nameof(BatchOptions.Defaults), Keyed() with { Defaults = new() { Retries = 1 } }),
        ];
        foreach (var (setting, options) in others)
        {
            RefusedException refused = await RefusedAsync(
                Refusal.KeyConflict, () => granary.StartBatchAsync<int, int>("same", [1], options));
            Assert.Contains(setting, refused.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact, Trait("promise", "S2")]
    public async Task The_same_key_with_another_handler_or_kind_is_refused()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<string, string>("same", ["a"], Keyed());

        await RefusedAsync(Refusal.KeyConflict, () => granary.StartBatchAsync<string, string>("fail", ["a"], Keyed()));
        await RefusedAsync(
            Refusal.KeyConflict, () => granary.StartChainAsync(Chain.Start("same", "a"), new() { Key = "k" }));
    }

    [Fact, Trait("promise", "S2")]
    public async Task Content_is_compared_at_every_depth()
    {
        GranaryClient granary = await StartAsync();
        Item Nested(int value) => Item.Chain(Item.Task("same", 1), Item.Batch(1, Item.Task("same", value)));

        BatchHandle<object> first = await granary.StartBatchAsync<object>([Nested(1)], Keyed());
        Assert.Equal(first.Id, (await granary.StartBatchAsync<object>([Nested(1)], Keyed())).Id);
        await RefusedAsync(Refusal.KeyConflict, () => granary.StartBatchAsync<object>([Nested(2)], Keyed()));
    }

    [Fact, Trait("promise", "S2")]
    public async Task A_chain_with_a_key_is_safe_to_repeat()
    {
        GranaryClient granary = await StartAsync();
        ChainHandle<int> first = await granary.StartChainAsync<int>(Chain.Start("same", 1), new() { Key = "c" });
        ChainHandle<int> second = await granary.StartChainAsync<int>(Chain.Start("same", 1), new() { Key = "c" });
        Assert.Equal((true, first.Id), (second.Existed, second.Id));
        await RefusedAsync(
            Refusal.KeyConflict, () => granary.StartChainAsync<int>(Chain.Start("same", 2), new() { Key = "c" }));
    }
}
