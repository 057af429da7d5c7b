namespace Granary.Conformance.Engines;

/// <summary>T4: finished jobs are kept for a set time, then removed with all that is theirs.</summary>
public abstract class Retention(EngineFixture fixture) : EngineTests(fixture)
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    /// <summary>How long after its time an engine may take to remove a job.</summary>
    private static readonly TimeSpan s_slack = Hour;

    [Fact, Trait("promise", "T4")]
    public async Task A_finished_job_is_removed_after_its_time_and_not_before()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", [1, 2], new() { Retention = s_day, Key = "k" });
        await batch.WhenAllAsync().Soon();
        Time.Advance(s_day - Second);
        Assert.Equal([1, 2], await batch.ResultsAsync().Soon());

        await RemovedAsync(granary, batch);

        Assert.Null(await granary.FindAsync("k"));
        Assert.Empty(await ListAsync(granary.ListJobsAsync()));
        await RefusedAsync(Refusal.NotFound, () => batch.WhenAllAsync());
        Assert.False((await granary.StartBatchAsync<int, int>("same", [3], new() { Key = "k" })).Existed);
    }

    [Fact, Trait("promise", "T4")]
    public async Task The_default_is_seven_days()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", [1]);
        await batch.WhenAllAsync().Soon();
        Time.Advance(7 * s_day - Second);
        Assert.Equal([1], await batch.ResultsAsync().Soon());
        await RemovedAsync(granary, batch);
    }

    [Fact, Trait("promise", "T4")]
    public async Task The_time_counts_from_the_end_and_over_restarts()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")], new() { Retention = s_day });
        await Work.NextAsync("a");
        Time.Advance(3 * s_day);
        granary = await RestartAsync();
        (await Work.NextAsync("a")).Return("b");
        batch = granary.GetBatch<string>(batch.Id);
        Assert.Equal(["b"], await batch.ResultsAsync().Soon());
        Time.Advance(s_day - Second);
        granary = await RestartAsync();
        batch = granary.GetBatch<string>(batch.Id);
        Assert.Equal(["b"], await batch.ResultsAsync().Soon());
        await RemovedAsync(granary, batch);
    }

    [Fact, Trait("promise", "T4")]
    public async Task A_job_whose_time_passed_while_no_engine_ran_is_removed_by_the_next_one()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", [1], new() { Retention = s_day });
        await batch.WhenAllAsync().Soon();
        await Fixture.StopAsync().Soon();
        Time.Advance(2 * s_day);
        granary = await StartAgainAsync();
        await RemovedAsync(granary, granary.GetBatch<int>(batch.Id));
    }

    [Fact, Trait("promise", "T4")]
    public async Task Others_are_left_alone()
    {
        GranaryClient granary = await StartAsync();
        var gone = await granary.StartBatchAsync<int, int>("same", [1], new() { Retention = s_day });
        var kept = await granary.StartBatchAsync<int, int>("same", [2], new() { Retention = 9 * s_day });
        var running = await granary.StartBatchAsync<string>([Do("a")], new() { Retention = TimeSpan.Zero });
        await gone.WhenAllAsync().Soon();
        await kept.WhenAllAsync().Soon();
        await Work.NextAsync("a");
        Time.Advance(s_day);
        await RemovedAsync(granary, gone);
        Assert.Equal([2], await kept.ResultsAsync().Soon());
        Assert.Equal(JobState.Running, (await running.StatusAsync()).State);
    }

    [Fact, Trait("promise", "T4")]
    public async Task A_retried_job_is_not_removed_under_it()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")], new() { Retention = s_day });
        (await Work.NextAsync("a")).Fail();
        await batch.WhenAllAsync().Soon();
        Time.Advance(s_day - Second);
        await batch.RetryFailedAsync();
        Attempt attempt = await Work.NextAsync("a");
        Time.Advance(2 * s_day);
        attempt.Return("a");
        Assert.Equal(["a"], await batch.ResultsAsync().Soon());
        Time.Advance(s_day - Second);
        Assert.Equal(["a"], await batch.ResultsAsync().Soon());
    }

    private async Task RemovedAsync(GranaryClient granary, JobHandle job)
    {
        DateTimeOffset end = Time.Now + s_slack;
        await SoonExtensions.Eventually(
            async () =>
            {
                if (Time.Now < end) Time.Advance(Minute);
                return !(await ListAsync(granary.ListJobsAsync())).Exists(listed => listed.Id == job.Id);
            },
            "the job is removed");
        await RefusedAsync(Refusal.NotFound, () => job.StatusAsync());
    }
}
