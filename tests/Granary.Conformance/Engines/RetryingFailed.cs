namespace Granary.Conformance.Engines;

/// <summary>T3: run again only what failed or was canceled, at its place in the same result.</summary>
public abstract class RetryingFailed(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "T3")]
    public async Task Only_what_failed_or_was_canceled_runs_again_and_takes_its_old_place()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abcd".Select(name => Do($"{name}")), Pool(1));
        (await Work.NextAsync("a")).Return("a1");
        (await Work.NextAsync("b")).Fail();
        Attempt running = await Work.NextAsync("c");
        await batch.CancelPendingAsync();
        running.Return("c1");
        var first = await batch.WhenAllAsync().Soon();

        Assert.Equal(2, await batch.RetryFailedAsync());

        JobStatus again = await batch.StatusAsync();
        Assert.Equal((JobState.Running, null, 4), (again.State, again.FinishedAt, again.CompletionCount));
        Attempt second = await Work.NextAsync("b");
        Assert.Equal(2, second.Task.Attempt);
        var halfway = await Engine.ReadOutcomesAsync(batch.Id, 0, 10);
        Assert.Equal([true, false, true, false], halfway.Select(outcome => outcome is not null));
        second.Return("b2");
        (await Work.NextAsync("d")).Return("d2");

        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal(["a1", "b2", "c1", "d2"], all.Select(outcome => outcome.Value));
        Assert.Equal([1, 2, 1, 1], all.Select(outcome => outcome.Attempts));
        Assert.Equal((first[0].Sequence, 5, first[2].Sequence, 6), (
            all[0].Sequence, all[1].Sequence, all[2].Sequence, all[3].Sequence));
        JobStatus ended = await batch.StatusAsync();
        Assert.Equal((JobState.Succeeded, Reason.None, 6, 4), (
            ended.State, ended.Reason, ended.CompletionCount, ended.Counts.Succeeded));
    }

    [Fact, Trait("promise", "T3")]
    public async Task Outcomes_by_place_show_the_new_ones()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("b")).Return("b1");
        await batch.WhenAllAsync().Soon();
        await batch.RetryFailedAsync();
        (await Work.NextAsync("a")).Return("a2");
        await batch.WhenAllAsync().Soon();
        for (int restarts = 0; restarts < 2; restarts++)
        {
            var outcomes = await Engine.ReadOutcomesAsync(batch.Id, 0, 10);
            Assert.Equal(["\"a2\"", "\"b1\""], outcomes.Select(
                outcome => System.Text.Encoding.UTF8.GetString(outcome!.Value.Span)));
            batch = (await RestartAsync()).GetBatch<string>(batch.Id);
        }
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_reader_with_a_cursor_sees_only_the_new_outcomes()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("b")).Return();
        int cursor = (await ListAsync(batch.WhenEachAsync()).Soon())[^1].Sequence;
        await batch.RetryFailedAsync();
        var reading = ListAsync(batch.WhenEachAsync(cursor));
        (await Work.NextAsync("a")).Return("a2");
        TaskOutcome<string> outcome = Assert.Single(await reading.Soon());
        Assert.Equal((0, 3, "a2"), (outcome.Index, outcome.Sequence, outcome.Value));
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_retried_task_has_all_its_retries_again()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 1, Backoff = TimeSpan.Zero })]);
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("a")).Fail();
        await batch.WhenAllAsync().Soon();
        await batch.RetryFailedAsync();
        (await Work.NextAsync("a")).Fail();
        Attempt last = await Work.NextAsync("a");
        Assert.Equal(4, last.Task.Attempt);
        last.Return("a");
        Assert.Equal(4, (await batch.WhenAllAsync().Soon())[0].Attempts);
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_chain_goes_on_at_the_step_that_failed_with_the_result_before_it()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(
            Chain.Start("same", "x").Then("work").Then("same").Then(Do("z")));
        (await Work.NextAsync("x")).Fail();
        Assert.Equal(JobState.Failed, (await chain.OutcomeAsync().Soon()).State);

        Assert.Equal(3, await chain.RetryFailedAsync());

        (await Work.NextAsync("x")).Return("y");
        (await Work.NextAsync("z")).Return("end");
        Assert.Equal("end", await chain.ResultAsync().Soon());
        var steps = await chain.StepsAsync().Soon();
        Assert.Equal(["x", "y", "y", "end"], steps.Select(step => step.Value.GetString()));
        Assert.Equal([1, 2, 1, 1], steps.Select(step => step.Attempts));
    }

    [Fact, Trait("promise", "T3")]
    public async Task Inside_a_failed_item_only_what_failed_runs_again()
    {
        GranaryClient granary = await StartAsync();
        var inner = new BatchItem([Do("a"), Do("b"), Do("c")])
        {
            MaxConcurrency = 1,
            OnFailure = FailurePolicy.CancelPending,
        };
        var batch = await granary.StartBatchAsync(
            [Item.Chain(Item.Task("same", 1), inner, Do("d")), Item.Task("same", 2)], Pool(1));
        (await Work.NextAsync("a")).Return("a1");
        (await Work.NextAsync("b")).Fail();
        await batch.WhenAllAsync().Soon();

        Assert.Equal(1, await batch.RetryFailedAsync());

        (await Work.NextAsync("b")).Return("b2");
        (await Work.NextAsync("c")).Return("c2");
        Attempt last = await Work.NextAsync("d");
        string[] values = [.. last.Task.Input<System.Text.Json.JsonElement>().EnumerateArray().Select(
            o => o.GetProperty("value").GetString()!)];
        Assert.Equal(["a1", "b2", "c2"], values);
        last.Return("d2");
        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal("d2", all[0].Value.GetString());
        Assert.Equal(JobState.Succeeded, (await batch.StatusAsync()).State);
    }

    [Fact, Trait("promise", "T3")]
    public async Task Failures_inside_an_item_that_succeeded_run_again_too()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync([Item.Batch(1, Do("a"), Do("b"))]);
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("b")).Return("b1");
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Succeeded);

        Assert.Equal(1, await batch.RetryFailedAsync());

        (await Work.NextAsync("a")).Return("a2");
        var value = (await batch.WhenAllAsync().Soon())[0].Value;
        Assert.Equal(["a2", "b1"], value.EnumerateArray().Select(outcome => outcome.GetProperty("value").GetString()));
        Assert.Equal(2, (await batch.StatusAsync()).Counts.Succeeded);
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_retry_survives_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("b")).Return("b1");
        await batch.WhenAllAsync().Soon();
        await batch.RetryFailedAsync();
        await Work.NextAsync("a");
        await StartedAsync(batch, "0", 2);

        granary = await RestartAsync();

        Attempt attempt = await Work.NextAsync("a");
        Assert.Equal(3, attempt.Task.Attempt);
        attempt.Return("a2");
        Assert.Equal(["a2", "b1"], await granary.GetBatch<string>(batch.Id).ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "T3")]
    public async Task What_fails_again_can_be_retried_again()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        for (int round = 1; round <= 3; round++)
        {
            (await Work.NextAsync("a")).Fail($"no {round}");
            TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
            Assert.Equal((round, round, $"no {round}"), (outcome.Attempts, outcome.Sequence, outcome.Error!.Message));
            Assert.Equal(1, await batch.RetryFailedAsync());
        }
        (await Work.NextAsync("a")).Return("well");
        Assert.Equal(["well"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "T3")]
    public async Task Where_nothing_failed_nothing_runs_again()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", [1, 2]);
        await batch.WhenAllAsync().Soon();
        Assert.Equal(0, await batch.RetryFailedAsync());
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Succeeded, 2), (status.State, status.CompletionCount));
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_job_that_has_not_ended_is_not_retried()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Item.Task("fail", "no"), Do("a")], Pool(1));
        await Work.NextAsync("a");
        await RefusedAsync(Refusal.NotEnded, () => batch.RetryFailedAsync());
    }

    [Fact, Trait("promise", "T3")]
    public async Task A_retried_job_has_its_whole_deadline_again()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")], new() { Deadline = Hour });
        Attempt first = await Work.NextAsync("a");
        Time.Advance(Hour);
        await first.SignaledAsync();
        first.Stop();
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Failed, Reason.DeadlineExceeded);
        await batch.RetryFailedAsync();
        Attempt second = await Work.NextAsync("a");
        Time.Advance(Hour - Second);
        Assert.False(second.IsSignaled);
        second.Return("in time");
        Assert.Equal(["in time"], await batch.ResultsAsync().Soon());
    }
}
