namespace Granary.Conformance.Engines;

/// <summary>R6: deadlines of tasks, chains, batches and jobs.</summary>
public abstract class Deadlines(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "R6")]
    public async Task A_tasks_deadline_counts_all_its_attempts_and_pauses()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions options = new() { Retries = 100, Deadline = Hour };
        var batch = await granary.StartBatchAsync<string>([Do("a", options)]);
        Attempt first = await Work.NextAsync("a");
        Time.Advance(30 * Minute);
        first.Throw(new TaskFailedException("busy") { RetryAfter = 10 * Minute });
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(10 * Minute);
        Attempt second = await Work.NextAsync("a");
        Time.Advance(20 * Minute - Second);
        Assert.False(second.IsSignaled);
        Time.Advance(Second);
        await second.SignaledAsync();
        second.Stop();

        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed, Reason.DeadlineExceeded);
        Assert.Equal(2, outcome.Attempts);
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_tasks_deadline_passes_between_its_attempts_too()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 9, Deadline = Hour })]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = 2 * Hour });
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Running == 0);
        Time.Advance(Hour);
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed, Reason.DeadlineExceeded);
        Assert.Equal(1, outcome.Attempts);
    }

    [Fact, Trait("promise", "R6")]
    public async Task At_a_jobs_deadline_what_is_left_fails_and_what_is_done_stays()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            [Do("done"), Do("running"), Do("queued"), Item.Chain(Item.Wait(Hour), Do("later"))],
            Pool(1) with { Deadline = Minute });
        (await Work.NextAsync("done")).Return("done");
        Attempt running = await Work.NextAsync("running");
        Time.Advance(Minute);
        await running.SignaledAsync();
        running.Stop();

        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Succeeded);
        for (int i = 1; i < 4; i++) AssertOutcome(all[i], JobState.Failed, Reason.DeadlineExceeded);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Failed, Reason.DeadlineExceeded), (status.State, status.Reason));
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_chains_deadline_ends_it_in_a_task_and_in_a_wait()
    {
        GranaryClient granary = await StartAsync();
        foreach (Item step in new Item[] { Do("a"), Item.Wait(Hour) })
        {
            var chain = await granary.StartChainAsync<string>(
                Item.Chain(Item.Task("same", 1), step, Item.Task("same", 2)), new() { Deadline = Minute });
            Attempt? running = step is TaskItem ? await Work.NextAsync("a") : null;
            if (running is null) await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
            Time.Advance(Minute);
            if (running is not null)
            {
                await running.SignaledAsync();
                running.Stop();
            }

            TaskOutcome<string> outcome = await chain.OutcomeAsync().Soon();
            AssertOutcome(outcome, JobState.Failed, Reason.DeadlineExceeded);
            var steps = await chain.StepsAsync().Soon();
            AssertOutcome(steps[0], JobState.Succeeded);
            AssertOutcome(steps[1], JobState.Failed, Reason.DeadlineExceeded);
            Assert.NotEqual(JobState.Succeeded, steps[2].State);
        }
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_nested_deadline_counts_from_when_it_was_reached_and_touches_nothing_else()
    {
        GranaryClient granary = await StartAsync();
        var inner = new BatchItem([Do("in")]) { Deadline = Minute };
        var batch = await granary.StartBatchAsync(
            [Item.Chain(Item.Wait(Hour), inner), new ChainItem([Do("other")]) { Deadline = 2 * Hour }], Pool(3));
        Attempt other = await Work.NextAsync("other");
        await PendingAsync(batch, "0.0", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Hour);
        Attempt inside = await Work.NextAsync("in");
        Time.Advance(Minute - Second);
        Assert.False(inside.IsSignaled);
        Time.Advance(Second);
        await inside.SignaledAsync();
        inside.Stop();
        Assert.False(other.IsSignaled);
        other.Return("fine");

        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.DeadlineExceeded);
        AssertOutcome(all[1], JobState.Succeeded);
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_deadline_that_passed_while_no_engine_ran_holds()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")], new() { Deadline = Minute });
        await Work.NextAsync("a");
        await Fixture.CrashAsync();
        Time.Advance(Hour);

        granary = await StartAgainAsync();

        var all = await granary.GetBatch<string>(batch.Id).WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.DeadlineExceeded);
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_handler_that_is_deaf_to_its_deadline_is_abandoned_after_its_grace()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a")], new() { Deadline = Minute, Defaults = new() { CancelGrace = 5 * Second } });
        Attempt attempt = await Work.NextAsync("a");
        Time.Advance(Minute);
        await attempt.SignaledAsync();
        await CancelingAsync(batch, "0");
        Time.Advance(5 * Second);
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed, Reason.DeadlineExceeded);
    }
}
