using System.Text.Json;

namespace Granary.Conformance.Engines;

/// <summary>S1, S4, S5: what was submitted is durable, streams, and may be empty.</summary>
public abstract class Submitting(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "S1")]
    public async Task A_batch_survives_a_crash_right_after_it_was_started()
    {
        GranaryClient granary = await StartAsync();
        JobId id = (await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 100))).Id;

        granary = await RestartAsync();

        IReadOnlyList<int> results = await granary.GetBatch<int>(id).ResultsAsync().Soon();
        Assert.Equal(Enumerable.Range(0, 100), results);
    }

    [Fact, Trait("promise", "S1")]
    public async Task A_chain_survives_a_crash_right_after_it_was_started()
    {
        GranaryClient granary = await StartAsync();
        JobId id = (await granary.StartChainAsync(Chain.Start("same", 7).Then("same"))).Id;

        granary = await RestartAsync();

        Assert.Equal(7, await granary.GetChain<int>(id).ResultAsync().Soon());
    }

    [Fact, Trait("promise", "S1")]
    public async Task What_was_submitted_is_told_unchanged_after_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var options = new BatchOptions
        {
            MaxConcurrency = 3,
            OnFailure = FailurePolicy.CancelPending,
            Defaults = new() { Retries = 4, Backoff = Second, MaxBackoff = Minute, Timeout = Hour },
            Deadline = Hour,
            Key = "nightly",
            Name = "Every night",
            Delay = Minute,
            Retention = TimeSpan.FromDays(1),
            SealTimeout = Hour,
        };
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1, 2], options);
        JobSpec before = (await batch.StatusAsync()).Spec;

        granary = await RestartAsync();

        JobStatus after = await granary.GetBatch<int>(batch.Id).StatusAsync();
        Assert.Equal(before, after.Spec);
        Assert.Equal(
            (3, "nightly", "Every night", Minute), (before.MaxConcurrency, before.Key, before.Name, before.Delay));
        Assert.Equal((4, Hour), (after.Spec.Defaults.Retries, after.Spec.Defaults.Timeout));
        Assert.Equal(Time.Now, after.SubmittedAt);
    }

    [Fact, Trait("promise", "S4")]
    public async Task Tasks_are_submitted_as_a_stream_that_is_read_once()
    {
        GranaryClient granary = await StartAsync();
        int read = 0;

        async IAsyncEnumerable<int> Numbers()
        {
            for (int i = 0; i < 20_000; i++)
            {
                if (i % 1_000 == 0) await Task.Yield();
                read++;
                yield return i;
            }
        }

        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", Numbers(), Pool(8)).Soon();
        Assert.Equal(20_000, read);
        Assert.Equal(20_000, (await batch.StatusAsync()).ItemCount);
        Assert.Equal(Enumerable.Range(0, 20_000), await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S4")]
    public async Task A_stream_that_breaks_leaves_no_job_and_its_key_free()
    {
        GranaryClient granary = await StartAsync();

        async IAsyncEnumerable<int> Broken()
        {
            for (int i = 0; i < 5_000; i++) yield return i;
            await Task.Yield();
            throw new FormatException("line 5,001");
        }

        await Assert.ThrowsAsync<FormatException>(
            () => granary.StartBatchAsync<int, int>("same", Broken(), new() { Key = "k" }).Soon());

        Assert.Empty(await ListAsync(granary.ListJobsAsync()));
        Assert.Null(await granary.FindAsync("k"));
        Assert.Equal(0, Work.Unseen);
        BatchHandle<int> again = await granary.StartBatchAsync<int, int>("same", [1], new() { Key = "k" });
        Assert.False(again.Existed);
        Assert.Equal([1], await again.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S4")]
    public async Task A_submission_that_is_given_up_leaves_no_job()
    {
        GranaryClient granary = await StartAsync();
        using var cancel = new CancellationTokenSource();

        async IAsyncEnumerable<int> Endless()
        {
            for (int i = 0; ; i++)
            {
                if (i == 3_000) await cancel.CancelAsync();
                yield return i;
            }
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => granary.StartBatchAsync<int, int>("same", Endless(), null, cancel.Token).Soon());
        Assert.Empty(await ListAsync(granary.ListJobsAsync()));
    }

    [Fact, Trait("promise", "S5")]
    public async Task An_empty_batch_completes_at_once_with_an_empty_list()
    {
        GranaryClient granary = await StartAsync();

        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", []);

        Assert.Empty(await batch.WhenAllAsync().Soon());
        Assert.Empty(await batch.ResultsAsync().Soon());
        Assert.Empty(await ListAsync(batch.WhenEachAsync()).Soon());
        Assert.Empty((await batch.WaitAsync(WaitFor.First).Soon()).Done);
        Assert.Equal(JobState.Succeeded, (await batch.StatusAsync()).State);
    }

    [Fact, Trait("promise", "S5")]
    public async Task A_batch_of_one_gives_a_list_of_one()
    {
        GranaryClient granary = await StartAsync();

        BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("same", ["a"]);

        Assert.Equal("a", Assert.Single(await batch.WhenAllAsync().Soon()).Value);
    }

    [Fact, Trait("promise", "S5")]
    public async Task Empty_batches_and_chains_complete_inside_others()
    {
        GranaryClient granary = await StartAsync();

        BatchHandle<JsonElement> batch = await granary.StartBatchAsync(
            [Item.Batch(1), Item.Chain(), Item.Chain(Item.Batch(1), Item.Task("same"))]);

        IReadOnlyList<string> values = [.. (await batch.ResultsAsync().Soon()).Select(value => value.GetRawText())];
        Assert.Equal(["[]", "null", "[]"], values);
    }

    [Fact, Trait("promise", "S5")]
    public async Task An_empty_chain_succeeds_with_null()
    {
        GranaryClient granary = await StartAsync();
        ChainHandle<string?> chain = await granary.StartChainAsync<string?>(Item.Chain());
        Assert.Null(await chain.ResultAsync().Soon());
        Assert.Empty(await chain.StepsAsync().Soon());
    }

    [Fact, Trait("promise", "S1")]
    public async Task A_delayed_job_starts_when_its_time_has_come()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a")], new() { Delay = Hour });

        JobStatus scheduled = await batch.StatusAsync();
        Assert.Equal((JobState.Scheduled, Reason.NotDue), (scheduled.State, scheduled.Reason));
        Time.Advance(Hour - Second);
        Assert.Equal(JobState.Scheduled, (await batch.StatusAsync()).State);
        Assert.Equal(0, Work.Unseen);
        Time.Advance(Second);

        (await Work.NextAsync("a")).Return("done");
        Assert.Equal(["done"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S1")]
    public async Task A_delayed_job_whose_time_came_while_no_engine_ran_starts_with_the_next_one()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<string>([Do("a")], new() { Delay = Hour });
        await Fixture.StopAsync().Soon();
        Time.Advance(2 * Hour);

        await StartAgainAsync();

        await Work.NextAsync("a");
    }
}
