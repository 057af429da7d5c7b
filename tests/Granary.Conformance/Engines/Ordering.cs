namespace Granary.Conformance.Engines;

/// <summary>R2: of the tasks that are ready, the one first in submission order starts first.</summary>
public abstract class Ordering(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "R2")]
    public async Task Tasks_start_in_submission_order()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<int>(Enumerable.Range(0, 50).Select(i => Do($"{i}")), Pool(1));
        for (int i = 0; i < 50; i++) (await Work.NextAsync($"{i}")).Return();
    }

    [Fact, Trait("promise", "R2")]
    public async Task Tasks_that_start_together_are_in_the_timeline_in_submission_order()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int>(
            Enumerable.Range(0, 100).Select(i => Item.Task("same", i)), Pool(7));
        await batch.WhenAllAsync().Soon();
        Assert.Equal(
            Enumerable.Range(0, 100), (await ListAsync(batch.TimelineAsync())).Select(span => int.Parse(span.Path)));
    }

    [Fact, Trait("promise", "R2")]
    public async Task Three_chains_of_work_wait_work_start_A1_B1_C1_then_A2_B2_C2_and_their_waits_overlap()
    {
        GranaryClient granary = await StartAsync();
        DateTimeOffset start = Time.Now;
        Item[] chains = [.. "ABC".Select(name => Item.Chain(Do($"{name}1"), Item.Wait(Minute), Do($"{name}2")))];
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(chains, Pool(1));

        foreach (string name in new[] { "A1", "B1", "C1" }) (await Work.NextAsync(name)).Return(name);
        for (int i = 0; i < 3; i++) await PendingAsync(batch, $"{i}.1", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Minute);
        foreach (string name in new[] { "A2", "B2", "C2" }) (await Work.NextAsync(name)).Return(name);

        Assert.Equal(["A2", "B2", "C2"], await batch.ResultsAsync().Soon());
        Assert.Equal(Minute, Time.Now - start);
    }

    [Fact, Trait("promise", "R2")]
    public async Task A_next_step_that_is_ready_goes_before_later_items()
    {
        GranaryClient granary = await StartAsync();
        Item[] chains = [.. "ABC".Select(name => Item.Chain(Do($"{name}1"), Do($"{name}2")))];
        await granary.StartBatchAsync<string>(chains, Pool(1));
        foreach (string name in new[] { "A1", "A2", "B1", "B2", "C1", "C2" }) (await Work.NextAsync(name)).Return(name);
    }

    [Fact, Trait("promise", "R2")]
    public async Task A_retry_that_is_due_goes_before_later_items()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions retry = new() { Retries = 1 };
        var batch = await granary.StartBatchAsync<string>([Do("a", retry), Do("b"), Do("c"), Do("d")], Pool(1));
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = Minute });
        Attempt b = await Work.NextAsync("b");
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(Minute);
        await PendingAsync(batch, "0", JobState.Queued, Reason.PoolFull);
        b.Return();
        (await Work.NextAsync("a")).Return();
        (await Work.NextAsync("c")).Return();
        (await Work.NextAsync("d")).Return();
    }

    [Fact, Trait("promise", "R2")]
    public async Task Nested_batches_start_in_submission_order()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<object>(
            [
                Do("a"),
                Item.Batch(1, Do("b"), Item.Chain(Do("c"), Do("d")), Do("e")),
                Item.Chain(Item.Batch(2, Do("f"), Do("g")), Do("h")),
                Do("i"),
            ],
            Pool(1));
        foreach (char name in "abcdefghi") (await Work.NextAsync($"{name}")).Return();
    }

    [Fact, Trait("promise", "R2")]
    public async Task A_full_inner_pool_lets_later_items_start()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<object>([Item.Batch(1, Do("a"), Do("b")), Do("c"), Do("d")], Pool(2));
        Attempt[] first = await Work.NextAsync(2);
        Assert.Equal(["a", "c"], first.Select(attempt => attempt.Name));
        first[0].Return();
        Attempt b = await Work.NextAsync("b");
        first[1].Return();
        await Work.NextAsync("d");
        b.Return();
    }

    [Fact, Trait("promise", "R2")]
    public async Task The_order_holds_after_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abcdef".Select(name => Do($"{name}")), Pool(1));
        (await Work.NextAsync("a")).Return();
        await Work.NextAsync("b");
        await CompletedAsync(batch, 1);

        await RestartAsync();

        foreach (char name in "bcdef") (await Work.NextAsync($"{name}")).Return();
    }
}
