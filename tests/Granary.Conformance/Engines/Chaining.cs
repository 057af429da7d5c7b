using System.Text.Json;

namespace Granary.Conformance.Engines;

/// <summary>C1–C4: strict order, piped results, durable waits, and how a chain ends.</summary>
public abstract class Chaining(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "C1")]
    public async Task A_step_starts_only_after_the_outcome_before_it_is_durable()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")).Then(Do("b")).Then(Do("c")));
        for (int step = 0; step < 3; step++)
        {
            Attempt attempt = await Work.NextAsync("abc"[step..(step + 1)]);
            Assert.Equal(0, Work.Unseen);
            Assert.Equal(step, (await ShownAsync(chain.Id)).Count);
            attempt.Return(attempt.Name);
        }
        Assert.Equal("c", await chain.ResultAsync().Soon());
    }

    [Fact, Trait("promise", "C1")]
    public async Task A_finished_step_does_not_run_again_after_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")).Then(Do("b")));
        (await Work.NextAsync("a")).Return("a");
        await Work.NextAsync("b");
        granary = await RestartAsync();
        (await Work.NextAsync("b")).Return("b");
        Assert.Equal("b", await granary.GetChain<string>(chain.Id).ResultAsync().Soon());
    }

    [Fact, Trait("promise", "C2")]
    public async Task Each_result_is_the_next_steps_arguments_and_the_last_is_the_chains()
    {
        GranaryClient granary = await StartAsync(
            handlers => handlers.Handle<int, int>("double", (number, _) => 2 * number));
        var chain = await granary.StartChainAsync<int>(Chain.Start("double", 1).Then("double").Then("double"));
        Assert.Equal(8, await chain.ResultAsync().Soon());
        Assert.Equal([2, 4, 8], (await chain.StepsAsync().Soon()).Select(step => step.Value.GetInt32()));
    }

    [Fact, Trait("promise", "C2")]
    public async Task A_step_with_arguments_of_its_own_is_given_the_result_as_its_input()
    {
        GranaryClient granary = await StartAsync(handlers => handlers
            .Handle<int, int>("add", (number, task) => number + (task.HasInput ? task.Input<int>() : 100)));
        var chain = await granary.StartChainAsync<int>(Chain.Start("add", 1).Then("add", 10).Then("add", 100));
        Assert.Equal([101, 111, 211], (await chain.StepsAsync().Soon()).Select(step => step.Value.GetInt32()));
    }

    [Fact, Trait("promise", "C2")]
    public async Task A_wait_passes_on_what_it_was_given()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(
            Chain.Start("same", "x").Wait(Minute).Then("same").Wait(Minute));
        await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Minute);
        await PendingAsync(chain, "3", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Minute);
        Assert.Equal("x", await chain.ResultAsync().Soon());
    }

    [Fact, Trait("promise", "C2")]
    public async Task A_batch_step_yields_its_ordered_outcomes()
    {
        GranaryClient granary = await StartAsync();
        Item batch = Item.Batch(
            1, Item.Task("same", 1), Item.Task("fail", "no"), Item.Chain(Item.Task("same", 3), Item.Task("same")));
        var chain = await granary.StartChainAsync(Item.Chain(batch, Item.Task("same")));

        JsonElement outcomes = await chain.ResultAsync().Soon();
        Assert.Equal(3, outcomes.GetArrayLength());
        Assert.Equal([0, 1, 2], outcomes.EnumerateArray().Select(outcome => outcome.GetProperty("index").GetInt32()));
        string[] states = [.. outcomes.EnumerateArray().Select(outcome => outcome.GetProperty("state").GetString()!)];
        Assert.Equal(["succeeded", "failed", "succeeded"], states, StringComparer.OrdinalIgnoreCase);
        Assert.Equal(
            (1, 3), (outcomes[0].GetProperty("value").GetInt32(), outcomes[2].GetProperty("value").GetInt32()));
        Assert.Equal("no", outcomes[1].GetProperty("error").GetProperty("message").GetString());
        Assert.False(outcomes[1].TryGetProperty("value", out _));
        Assert.False(outcomes[0].TryGetProperty("error", out _));
    }

    [Fact, Trait("promise", "C2")]
    public async Task A_chain_in_a_batch_yields_its_last_steps_result()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int>([Item.Chain(Item.Task("same", 1), Item.Task("same", 2))]);
        TaskOutcome<int> outcome = (await batch.WhenAllAsync().Soon())[0];
        Assert.Equal((2, 1), (outcome.Value, outcome.Attempts));
    }

    [Fact, Trait("promise", "C2")]
    public async Task A_result_of_null_is_passed_on_as_null()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string?>(Chain.Start("same").Then(Item.Task("work")));
        Attempt attempt = await Work.NextAsync();
        Assert.Equal(("null", true), (attempt.Args, attempt.Task.HasInput));
        attempt.Return();
        Assert.Null(await chain.ResultAsync().Soon());
    }

    [Fact, Trait("promise", "C3")]
    public async Task A_wait_survives_restarts_and_fires_once_at_its_time()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start("same", "x").Wait(Hour).Then(Item.Task("work")));
        await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
        for (int i = 0; i < 3; i++)
        {
            Time.Advance(10 * Minute);
            chain = (await RestartAsync()).GetChain<string>(chain.Id);
        }
        Time.Advance(30 * Minute - Second);
        PendingTask wait = await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
        Assert.Equal(Time.Now + Second, wait.DueAt);
        Assert.Equal(0, Work.Unseen);

        Time.Advance(Second);

        (await Work.NextAsync("x")).Return("y");
        Assert.Equal("y", await chain.ResultAsync().Soon());
        Time.Advance(2 * Hour);
        await RestartAsync();
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "C3")]
    public async Task A_wait_that_ended_while_no_engine_ran_fires_with_the_next_one()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Chain.Start("same", "x").Wait(Hour).Then(Item.Task("work")));
        await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
        await Fixture.StopAsync().Soon();
        Time.Advance(3 * Hour);
        await StartAgainAsync();
        await Work.NextAsync("x");
    }

    [Fact, Trait("promise", "C3")]
    public async Task A_wait_of_nothing_ends_at_once()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<int>(Chain.Start("same", 1).Wait(TimeSpan.Zero).Then("same"));
        Assert.Equal(1, await chain.ResultAsync().Soon());
    }

    [Fact, Trait("promise", "C4")]
    public async Task A_failed_step_ends_the_chain()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(
            Chain.Start("same", "x").Then("fail").Wait(Hour).Then("work").Then(Item.Batch(1, Do("y"))));

        TaskOutcome<string> outcome = await chain.OutcomeAsync().Soon();
        AssertOutcome(outcome, JobState.Failed);
        Assert.Equal("x", outcome.Error!.Message);
        var steps = await chain.StepsAsync().Soon();
        AssertOutcome(steps[0], JobState.Succeeded);
        AssertOutcome(steps[1], JobState.Failed);
        for (int i = 2; i < 5; i++) AssertOutcome(steps[i], JobState.Canceled, Reason.UpstreamFailed);
        Assert.Equal(JobState.Failed, (await chain.StatusAsync()).State);
        Assert.Equal(0, Work.Unseen);

        ChainFailedException thrown = await Assert.ThrowsAsync<ChainFailedException>(() => chain.ResultAsync().Soon());
        Assert.Equal((1, "x"), (thrown.Step!.Index, thrown.Step.Error!.Message));
    }

    [Fact, Trait("promise", "C4")]
    public async Task A_failed_chain_in_a_chain_ends_both_and_its_siblings_in_a_batch_go_on()
    {
        GranaryClient granary = await StartAsync();
        Item inner = Item.Chain(Item.Task("fail", "deep"), Item.Task("same"));
        var batch = await granary.StartBatchAsync<int>([Item.Chain(inner, Item.Task("same", 1)), Item.Task("same", 2)]);
        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed);
        Assert.Equal("deep", all[0].Error!.Message);
        Assert.Equal(2, all[1].Value);
        JobCounts counts = (await batch.StatusAsync()).Counts;
        Assert.Equal((1, 1, 2), (counts.Succeeded, counts.Failed, counts.Canceled));
    }

    [Fact, Trait("promise", "C4")]
    public async Task A_batch_step_with_failures_goes_on_unless_its_policy_says_otherwise()
    {
        GranaryClient granary = await StartAsync();
        var batch = new BatchItem([Item.Task("fail", "no"), Item.Task("same", 1)]);
        var goesOn = await granary.StartChainAsync(Item.Chain(batch, Item.Task("same", "on")));
        Assert.Equal("on", (await goesOn.ResultAsync().Soon()).GetString());

        var ends = await granary.StartChainAsync(
            Item.Chain(
                batch with { OnFailure = FailurePolicy.CancelPending, MaxConcurrency = 1 }, Item.Task("same", "on")));
        var steps = await ends.StepsAsync().Soon();
        AssertOutcome(steps[0], JobState.Failed, Reason.SiblingFailed);
        AssertOutcome(steps[1], JobState.Canceled, Reason.UpstreamFailed);
    }

    [Fact, Trait("promise", "C4")]
    public async Task A_step_may_carry_its_own_retries()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions twice = new() { Retries = 1, Backoff = TimeSpan.Zero };
        var chain = await granary.StartChainAsync<string>(Chain.Start("same", "x").Then("work", twice).Then("fail"));
        (await Work.NextAsync("x")).Fail();
        (await Work.NextAsync("x")).Return("y");
        var steps = await chain.StepsAsync().Soon();
        Assert.Equal([1, 2, 1], steps.Select(step => step.Attempts));
        Assert.Equal("y", steps[2].Error!.Message);
    }
}
