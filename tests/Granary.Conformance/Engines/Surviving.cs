namespace Granary.Conformance.Engines;

/// <summary>R4, R7: after a crash everything goes on by itself, and nothing is recorded twice.</summary>
public abstract class Surviving(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "R7")]
    public async Task What_was_running_starts_again_as_a_new_attempt_in_order_and_nobody_has_to_call()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abcde".Select(name => Do($"{name}")), Pool(2));
        (await Work.NextAsync(2))[0].Return("A");
        await Work.NextAsync("c");
        await CompletedAsync(batch, 1);
        await StartedAsync(batch, "1", 1);
        await StartedAsync(batch, "2", 1);

        granary = await RestartAsync();

        Attempt[] again = await Work.NextAsync(2);
        Assert.Equal([("b", 2), ("c", 2)], again.Select(attempt => (attempt.Name, attempt.Task.Attempt)));
        foreach (Attempt attempt in again) attempt.Return(attempt.Name.ToUpperInvariant());
        foreach (Attempt attempt in await Work.NextAsync(2))
        {
            Assert.Equal(1, attempt.Task.Attempt);
            attempt.Return(attempt.Name.ToUpperInvariant());
        }
        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        Assert.Equal(["A", "B", "C", "D", "E"], all.Select(outcome => outcome.Value));
        Assert.Equal([1, 2, 2, 1, 1], all.Select(outcome => outcome.Attempts));
    }

    [Fact, Trait("promise", "R7")]
    public async Task Every_unfinished_job_goes_on()
    {
        GranaryClient granary = await StartAsync();
        var jobs = new List<JobId>();
        for (int i = 0; i < 20; i++)
        {
            jobs.Add(i % 2 == 0
                ? (await granary.StartBatchAsync<string>([Do($"{i:d2}")])).Id
                : (await granary.StartChainAsync<string>(Chain.Start(Do($"{i:d2}")))).Id);
        }
        await Work.NextAsync(20);

        granary = await RestartAsync();

        Attempt[] again = await Work.NextAsync(20);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i:d2}"), again.Select(attempt => attempt.Name));
        foreach (Attempt attempt in again) attempt.Return(attempt.Name);
        for (int i = 0; i < 20; i++)
        {
            string value = i % 2 == 0
                ? (await granary.GetBatch<string>(jobs[i]).ResultsAsync().Soon())[0]
                : await granary.GetChain<string>(jobs[i]).ResultAsync().Soon();
            Assert.Equal($"{i:d2}", value);
        }
    }

    [Fact, Trait("promise", "R4")]
    public async Task An_attempt_of_an_engine_that_is_gone_records_nothing()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        Attempt old = await Work.NextAsync("a");
        await StartedAsync(batch, "0", 1);
        granary = await RestartAsync();
        Attempt current = await Work.NextAsync("a");

        old.Return("stale");
        Assert.Equal(1, (await granary.GetBatch<string>(batch.Id).StatusAsync()).Counts.Running);
        current.Return("fresh");

        TaskOutcome<string> outcome = Assert.Single(await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon());
        Assert.Equal(("fresh", 2), (outcome.Value, outcome.Attempts));
        Assert.Equal(1, (await granary.GetBatch<string>(batch.Id).StatusAsync()).CompletionCount);
    }

    [Fact, Trait("promise", "R4")]
    public async Task Every_outcome_is_recorded_exactly_once_over_many_crashes()
    {
        const int Count = 400;
        GranaryClient granary = await StartAsync();
        JobId id = (await granary.StartBatchAsync<int>(
            Enumerable.Range(0, Count).Select(i => i % 50 == 49 ? Do($"{i:d3}") : Item.Task("same", i)), Pool(1))).Id;
        var seen = new Dictionary<int, int>();
        for (int crash = 0; crash < Count / 50; crash++)
        {
            Attempt gate = await Work.NextAsync();
            Assert.Equal($"{(crash * 50) + 49:d3}", gate.Name);
            foreach (Outcome outcome in await ShownAsync(id))
            {
                if (!seen.TryAdd(outcome.Sequence, outcome.Index)) Assert.Equal(seen[outcome.Sequence], outcome.Index);
            }
            granary = await RestartAsync();
            (await Work.NextAsync(gate.Name)).Return(-1);
        }
        var all = await granary.GetBatch<int>(id).WhenAllAsync().Soon();
        Assert.Equal(
            Enumerable.Range(0, Count).Select(i => i % 50 == 49 ? -1 : i), all.Select(outcome => outcome.Value));
        Assert.Equal(Enumerable.Range(1, Count), all.Select(outcome => outcome.Sequence).Order());
        Assert.All(seen, pair => Assert.Equal(pair.Key, all[pair.Value].Sequence));
    }

    [Fact, Trait("promise", "R7")]
    public async Task What_an_orderly_stop_cuts_off_runs_again_at_the_next_start()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        Attempt first = await Work.NextAsync("a");
        Task stopping = Fixture.StopAsync();
        await first.SignaledAsync();
        first.Stop();
        await stopping.Soon();

        granary = await StartAgainAsync();

        (await Work.NextAsync("a")).Return("A");
        (await Work.NextAsync("b")).Return("B");
        Assert.Equal(["A", "B"], await granary.GetBatch<string>(batch.Id).ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R7")]
    public async Task A_task_whose_process_dies_too_often_fails_and_lets_the_others_go_on()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("poison", new() { MaxInterruptions = 2 }), Do("good")], Pool(1));
        for (int death = 0; death < 3; death++)
        {
            await Work.NextAsync("poison");
            await StartedAsync(granary.GetBatch<string>(batch.Id), "0", death + 1);
            granary = await RestartAsync();
        }
        (await Work.NextAsync("good")).Return("good");

        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.Interrupted);
        Assert.Equal(3, all[0].Attempts);
        AssertOutcome(all[1], JobState.Succeeded);
    }

    [Fact, Trait("promise", "R7")]
    public async Task A_task_on_its_last_chance_runs_alone_so_that_no_neighbor_is_blamed()
    {
        TaskOptions last = new() { MaxInterruptions = 1 };
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("poison", last), Do("good", last), Do("late")], Pool(2));
        await Work.NextAsync(2);
        granary = await RestartAsync();
        await Work.NextAsync("poison");
        await RunningAsync(granary.GetBatch<string>(batch.Id), 1);
        Assert.Equal(0, Work.Unseen);
        granary = await RestartAsync();
        Attempt good = await Work.NextAsync("good");
        Assert.Equal(0, Work.Unseen);
        good.Return("good");
        (await Work.NextAsync("late")).Return("late");

        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.Interrupted);
        AssertOutcome(all[1], JobState.Succeeded);
        AssertOutcome(all[2], JobState.Succeeded);
    }

    [Fact, Trait("promise", "R7")]
    public async Task Attempts_that_died_with_their_process_use_up_no_retries()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 1, Backoff = TimeSpan.Zero })]);
        await Work.NextAsync("a");
        await StartedAsync(batch, "0", 1);
        granary = await RestartAsync();
        (await Work.NextAsync("a")).Fail();
        Attempt third = await Work.NextAsync("a");
        Assert.Equal(3, third.Task.Attempt);
        third.Return("b");
        Assert.Equal(["b"], await granary.GetBatch<string>(batch.Id).ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R7")]
    public async Task Retried_attempts_are_counted_over_crashes()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 1, Backoff = TimeSpan.Zero })]);
        (await Work.NextAsync("a")).Fail();
        await Work.NextAsync("a");
        await StartedAsync(batch, "0", 2);
        granary = await RestartAsync();
        (await Work.NextAsync("a")).Fail("last");
        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed);
        Assert.Equal((3, "last"), (all[0].Attempts, all[0].Error!.Message));
    }

    [Fact, Trait("promise", "R7")]
    public async Task Requests_to_an_engine_that_has_stopped_are_refused()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        Attempt attempt = await Work.NextAsync("a");
        Task reading = batch.WhenAllAsync();
        Task stopping = Fixture.StopAsync();
        await attempt.SignaledAsync();
        attempt.Stop();
        await stopping.Soon();
        await RefusedAsync(Refusal.Stopping, () => reading);
        await RefusedAsync(Refusal.Stopping, () => granary.StartBatchAsync<int, int>("same", [1]));
        await RefusedAsync(Refusal.Stopping, () => batch.StatusAsync());
    }
}
