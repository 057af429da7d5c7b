namespace Granary.Conformance.Engines;

/// <summary>T2: the pool changes, pauses and resumes while the batch runs, durably.</summary>
public abstract class Pools(EngineFixture fixture) : EngineTests(fixture)
{
    private static Item[] Ten => [.. Enumerable.Range(0, 10).Select(i => Do($"{i}"))];

    [Fact, Trait("promise", "T2")]
    public async Task A_larger_pool_starts_more_at_once()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Ten, Pool(1));
        await Work.NextAsync("0");
        await batch.ResizePoolAsync(4);
        Assert.Equal(["1", "2", "3"], (await Work.NextAsync(3)).Select(attempt => attempt.Name));
        await RunningAsync(batch, 4);
        Assert.Equal(0, Work.Unseen);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((4, 1), (status.MaxConcurrency, status.Spec.MaxConcurrency));
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_smaller_pool_interrupts_nothing_and_starts_nothing_until_there_is_room()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Ten, Pool(4));
        Attempt[] running = await Work.NextAsync(4);
        await batch.ResizePoolAsync(2);
        Assert.All(running, attempt => Assert.False(attempt.IsSignaled));
        for (int i = 0; i < 2; i++)
        {
            running[i].Return();
            await RunningAsync(batch, 3 - i);
        }
        Assert.Equal(0, Work.Unseen);
        running[2].Return();
        await Work.NextAsync("4");
        await RunningAsync(batch, 2);
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_resize_survives_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Ten, Pool(1));
        await Work.NextAsync("0");
        await batch.ResizePoolAsync(3);
        await Work.NextAsync(2);
        await StartedAsync(batch, "2", 1);
        granary = await RestartAsync();
        batch = granary.GetBatch<string>(batch.Id);
        Assert.Equal(["0", "1", "2"], (await Work.NextAsync(3)).Select(attempt => attempt.Name));
        await RunningAsync(batch, 3);
        Assert.Equal(3, (await batch.StatusAsync()).MaxConcurrency);
    }

    [Theory, Trait("promise", "T2"), InlineData(0), InlineData(-1), InlineData(1_000_001)]
    public async Task A_pool_out_of_range_is_refused_and_changes_nothing(int size)
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Ten, Pool(1));
        await RefusedAsync(Refusal.Invalid, () => batch.ResizePoolAsync(size));
        await RefusedAsync(Refusal.Invalid, () => Engine.ResizeAsync(batch.Id, size));
        Assert.Equal(1, (await batch.StatusAsync()).MaxConcurrency);
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_pool_belongs_to_a_batch_that_has_not_ended()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")));
        await RefusedAsync(Refusal.NotABatch, () => granary.GetBatch<string>(chain.Id).ResizePoolAsync(3));
        var batch = await granary.StartBatchAsync<int, int>("same", [1]);
        await batch.WhenAllAsync().Soon();
        await RefusedAsync(Refusal.Ended, () => batch.ResizePoolAsync(3));
        await RefusedAsync(Refusal.Ended, () => batch.PauseAsync());
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_paused_batch_starts_nothing_and_what_runs_goes_on()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        Attempt running = await Work.NextAsync("a");
        await batch.PauseAsync();
        await batch.PauseAsync();
        Assert.False(running.IsSignaled);
        running.Return("a");
        await CompletedAsync(batch, 1);
        await PendingAsync(batch, "1", JobState.Queued, Reason.Paused);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((true, false), (status.Paused, status.State.IsEnd()));
        Assert.Equal(0, Work.Unseen);

        await batch.ResumeAsync();
        await batch.ResumeAsync();
        (await Work.NextAsync("b")).Return("b");
        Assert.Equal(["a", "b"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_pause_survives_a_crash_and_what_ran_waits_for_the_end_of_the_pause()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        await Work.NextAsync("a");
        await batch.PauseAsync();

        granary = await RestartAsync();

        batch = granary.GetBatch<string>(batch.Id);
        Assert.True((await batch.StatusAsync()).Paused);
        await PendingAsync(batch, "0", JobState.Queued, Reason.Paused);
        Assert.Equal(0, Work.Unseen);
        await batch.ResumeAsync();
        Assert.Equal(2, (await Work.NextAsync("a")).Task.Attempt);
    }

    [Fact, Trait("promise", "T2")]
    public async Task Waits_and_back_offs_go_on_during_a_pause()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Item.Chain(Item.Wait(Minute), Do("a"))]);
        await PendingAsync(batch, "0.0", JobState.Waiting, Reason.DurableWait);
        await batch.PauseAsync();
        Time.Advance(Minute);
        await PendingAsync(batch, "0.1", JobState.Queued, Reason.Paused);
        Assert.Equal(1, (await batch.StatusAsync()).Counts.Succeeded);
        await batch.ResumeAsync();
        await Work.NextAsync("a");
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_chain_can_be_paused_too()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")).Then(Do("b")));
        Attempt running = await Work.NextAsync("a");
        await chain.PauseAsync();
        running.Return("a");
        await PendingAsync(chain, "1", JobState.Queued, Reason.Paused);
        await chain.ResumeAsync();
        await Work.NextAsync("b");
    }

    [Fact, Trait("promise", "T2")]
    public async Task A_paused_batch_can_be_canceled()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        (await Work.NextAsync("a")).Return();
        await Work.NextAsync("b");
        await batch.PauseAsync();
        await RestartAsync();
        batch = (await RestartAsync()).GetBatch<string>(batch.Id);
        await batch.CancelAsync();
        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal([JobState.Succeeded, JobState.Canceled], all.Select(outcome => outcome.State));
    }
}
