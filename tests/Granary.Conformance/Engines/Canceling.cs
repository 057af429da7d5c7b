namespace Granary.Conformance.Engines;

/// <summary>T1: cancel what has not started, or everything; and the outcome says what came of it.</summary>
public abstract class Canceling(EngineFixture fixture) : EngineTests(fixture)
{
    private static readonly TaskOptions s_patient = new() { CancelGrace = 5 * Second };

    [Fact, Trait("promise", "T1")]
    public async Task CancelPending_cancels_what_has_not_started_and_lets_the_rest_finish()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a"), Do("b"), Item.Chain(Do("c"), Do("d")), Item.Batch(1, Do("e"))], Pool(1));
        Attempt running = await Work.NextAsync("a");
        await batch.CancelPendingAsync();
        Assert.False(running.IsSignaled);
        running.Return("a");

        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Succeeded);
        for (int i = 1; i < 4; i++) AssertOutcome(all[i], JobState.Canceled, Reason.BeforeStart);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Canceled, 1, 4), (status.State, status.Counts.Succeeded, status.Counts.Canceled));
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "T1")]
    public async Task CancelPending_ends_a_chain_after_the_step_that_runs()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")).Then(Do("b")));
        Attempt running = await Work.NextAsync("a");
        await chain.CancelPendingAsync();
        running.Return("a");
        AssertOutcome((await chain.StepsAsync().Soon())[0], JobState.Succeeded);
        Assert.Equal(JobState.Canceled, (await chain.StepsAsync().Soon())[1].State);
        Assert.Equal(JobState.Canceled, (await chain.OutcomeAsync().Soon()).State);
        var thrown = await Assert.ThrowsAsync<ChainFailedException>(() => chain.ResultAsync().Soon());
        Assert.Equal(JobState.Canceled, thrown.State);
    }

    [Fact, Trait("promise", "T1")]
    public async Task CancelPending_ends_waits_and_back_offs_at_once()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a", new() { Retries = 1 }), Item.Chain(Item.Wait(Hour), Do("b"))]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = Hour });
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        await PendingAsync(batch, "1.0", JobState.Waiting, Reason.DurableWait);
        await batch.CancelPendingAsync();

        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Canceled, Reason.BetweenAttempts);
        Assert.Equal(JobState.Canceled, all[1].State);
        Assert.Equal(JobState.Canceled, (await batch.StatusAsync()).State);
    }

    [Fact, Trait("promise", "T1")]
    public async Task After_CancelPending_a_failed_attempt_is_not_retried()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 5, Backoff = TimeSpan.Zero })]);
        Attempt running = await Work.NextAsync("a");
        await batch.CancelPendingAsync();
        running.Fail("no");
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        Assert.Equal(1, outcome.Attempts);
        Assert.NotEqual(JobState.Succeeded, outcome.State);
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "T1")]
    public async Task Cancel_signals_what_runs_which_is_Canceling_until_it_stops()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        Attempt running = await Work.NextAsync("a");
        await batch.CancelAsync();
        await running.SignaledAsync();
        await CancelingAsync(batch, "0");
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Canceling, 1, 1), (status.State, status.Counts.Canceling, status.Counts.Canceled));
        Assert.Null(status.FinishedAt);
        running.Stop();

        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Canceled, Reason.Stopped);
        AssertOutcome(all[1], JobState.Canceled, Reason.BeforeStart);
        Assert.Equal(JobState.Canceled, (await batch.StatusAsync()).State);
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_task_that_finishes_anyway_keeps_its_result_or_its_error()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a"), Do("b", new() { Retries = 3, Backoff = TimeSpan.Zero })]);
        Attempt[] running = await Work.NextAsync(2);
        await batch.CancelAsync();
        foreach (Attempt attempt in running) await attempt.SignaledAsync();
        running[0].Return("done");
        running[1].Fail("no");

        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Succeeded, Reason.FinishedAnyway);
        Assert.Equal("done", all[0].Value);
        AssertOutcome(all[1], JobState.Failed, Reason.FinishedAnyway);
        Assert.Equal((1, "no"), (all[1].Attempts, all[1].Error!.Message));
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_task_that_is_deaf_is_abandoned_when_its_grace_has_passed()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a", s_patient), Do("b", s_patient with { CancelGrace = Minute })]);
        Attempt[] running = await Work.NextAsync(2);
        await batch.CancelAsync();
        foreach (Attempt attempt in running) await attempt.SignaledAsync();
        await CancelingAsync(batch, "1");
        Time.Advance(5 * Second - TimeSpan.FromTicks(1));
        Assert.Equal(2, (await batch.StatusAsync()).Counts.Canceling);
        Time.Advance(TimeSpan.FromTicks(1));
        await SoonExtensions.Eventually(
            async () => (await batch.StatusAsync()).Counts is { Canceling: 1, Canceled: 1 });
        Time.Advance(Minute);

        var all = await batch.WhenAllAsync().Soon();
        Assert.All(all, outcome => AssertOutcome(outcome, JobState.Canceled, Reason.Abandoned));
        running[0].Return("too late");
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Canceled, Reason.Abandoned);
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_grace_of_nothing_abandons_at_once()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { CancelGrace = TimeSpan.Zero })]);
        await Work.NextAsync("a");
        await batch.CancelAsync();
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Canceled, Reason.Abandoned);
    }

    [Fact, Trait("promise", "T1")]
    public async Task Cancel_returns_at_once_however_deaf_the_handlers_are()
    {
        using var release = new ManualResetEventSlim();
        using var entered = new SemaphoreSlim(0);
        GranaryClient granary = await StartAsync(handlers => handlers.Handle<int, int>("block", (number, _) =>
        {
            entered.Release();
            release.Wait();
            return number;
        }));
        try
        {
            var batch = await granary.StartBatchAsync<int>(
                [Item.Task("block", 1, s_patient), Item.Task("block", 2, s_patient)], Pool(2));
            for (int i = 0; i < 2; i++) await entered.WaitAsync().Soon();
            await batch.CancelAsync().Soon();
            await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Canceling == 2);
            Time.Advance(5 * Second);
            Assert.All(await batch.WhenAllAsync().Soon(), outcome => AssertOutcome(
                outcome, JobState.Canceled, Reason.Abandoned));
        }
        finally
        {
            release.Set();
        }
    }

    [Fact, Trait("promise", "T1")]
    public async Task Cancel_reaches_every_depth()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync(
            [
                Item.Chain(Item.Batch(2, Item.Chain(Do("a"), Do("b")), Do("c")), Do("d")),
                Item.Chain(Item.Wait(Hour), Do("e")),
            ],
            Pool(5));
        Attempt[] running = await Work.NextAsync(2);
        await batch.CancelAsync();
        foreach (Attempt attempt in running)
        {
            await attempt.SignaledAsync();
            attempt.Stop();
        }
        var all = await batch.WhenAllAsync().Soon();
        Assert.All(all, outcome => Assert.Equal(JobState.Canceled, outcome.State));
        JobCounts counts = (await batch.StatusAsync()).Counts;
        Assert.Equal((6, 6), (counts.Canceled, counts.Total));
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_cancel_after_CancelPending_signals_what_still_runs()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        Attempt running = await Work.NextAsync("a");
        await batch.CancelPendingAsync();
        await batch.CancelAsync();
        await batch.CancelAsync();
        await running.SignaledAsync();
        running.Stop();
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Canceled, Reason.Stopped);
    }

    [Fact, Trait("promise", "T1")]
    public async Task Cancel_survives_a_crash_and_what_ran_does_not_run_again()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        await Work.NextAsync("a");
        await batch.CancelAsync();

        granary = await RestartAsync();

        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        Assert.All(all, outcome => Assert.Equal(JobState.Canceled, outcome.State));
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_scheduled_job_and_an_open_batch_can_be_canceled()
    {
        GranaryClient granary = await StartAsync();
        var scheduled = await granary.StartBatchAsync<string>([Do("a")], new() { Delay = Hour });
        await scheduled.CancelAsync();
        AssertOutcome((await scheduled.WhenAllAsync().Soon())[0], JobState.Canceled, Reason.BeforeStart);

        var open = await granary.StartBatchAsync<string>([], new() { SealTimeout = Hour });
        await open.CancelPendingAsync();
        Assert.Empty(await open.WhenAllAsync().Soon());
        Assert.False((await open.StatusAsync()).Open);
        await RefusedAsync(Refusal.Ended, () => open.AppendAsync("same", ["late"]));
        Time.Advance(Hour);
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "T1")]
    public async Task On_a_job_that_has_ended_nothing_happens()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", [1, 2]);
        await batch.WhenAllAsync().Soon();
        await batch.CancelAsync();
        await batch.CancelPendingAsync();
        Assert.Equal([1, 2], await batch.ResultsAsync().Soon());
        Assert.Equal(JobState.Succeeded, (await batch.StatusAsync()).State);
    }

    [Fact, Trait("promise", "T1")]
    public async Task A_cancel_that_races_with_completions_leaves_one_truth()
    {
        GranaryClient granary = await StartAsync();
        for (int round = 0; round < 20; round++)
        {
            var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 200), Pool(4));
            await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).CompletionCount >= 5 * round);
            await batch.CancelAsync();
            var all = await batch.WhenAllAsync().Soon();
            JobCounts counts = (await batch.StatusAsync()).Counts;
            Assert.Equal(200, all.Count);
            Assert.Equal(all.Count(outcome => outcome.Succeeded), counts.Succeeded);
            Assert.Equal(200 - counts.Succeeded, counts.Canceled);
            Assert.Equal(Enumerable.Range(1, 200), all.Select(outcome => outcome.Sequence).Order());
        }
    }
}
