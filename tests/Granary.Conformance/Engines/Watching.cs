namespace Granary.Conformance.Engines;

/// <summary>Q4, Q5: what is pending and why, counts, progress, rate, timeline and listings.</summary>
public abstract class Watching(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "Q4")]
    public async Task Pending_tasks_say_that_the_pool_is_full_or_that_they_run()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        DateTimeOffset start = Time.Now;
        await Work.NextAsync("a");
        PendingTask running = await PendingAsync(batch, "0", JobState.Running, Reason.None);
        Assert.Equal(("work", 1, start), (running.Handler, running.Attempts, running.StartedAt));
        PendingTask queued = await PendingAsync(batch, "1", JobState.Queued, Reason.PoolFull);
        Assert.Equal((0, null), (queued.Attempts, queued.StartedAt));
    }

    [Fact, Trait("promise", "Q4")]
    public async Task A_task_that_waits_for_a_slot_of_an_outer_batch_says_that_a_pool_is_full()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Item.Batch(5, Do("b"))], Pool(1));
        await Work.NextAsync("a");
        await PendingAsync(batch, "1.0", JobState.Queued, Reason.PoolFull);
    }

    [Fact, Trait("promise", "Q4")]
    public async Task Pending_steps_say_that_they_wait_for_the_one_before()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(
            Chain.Start(Do("a")).Wait(Hour).Then("work").Then(Item.Batch(1, Do("b"))));
        await Work.NextAsync("a");
        await PendingAsync(chain, "0", JobState.Running, Reason.None);
        PendingTask[] pending = await PendingAsync(chain);
        Assert.Equal(["0", "1", "2", "3.0"], pending.Select(task => task.Path));
        Assert.All(pending[1..], task => Assert.Equal((JobState.Queued, Reason.Upstream), (task.State, task.Reason)));
        Assert.Equal(["work", "", "work", "work"], pending.Select(task => task.Handler));
    }

    [Fact, Trait("promise", "Q4")]
    public async Task A_pending_wait_says_when_it_is_due()
    {
        GranaryClient granary = await StartAsync();
        var chain = await granary.StartChainAsync<string>(Item.Chain(Item.Wait(Hour)));
        PendingTask wait = await PendingAsync(chain, "0", JobState.Waiting, Reason.DurableWait);
        Assert.Equal(Time.Now + Hour, wait.DueAt);
    }

    [Fact, Trait("promise", "Q4")]
    public async Task Tasks_of_a_job_that_is_not_due_say_so()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Item.Chain(Do("b"))], new() { Delay = Hour });
        PendingTask[] pending = await PendingAsync(batch);
        Assert.Equal(2, pending.Length);
        Assert.All(pending, task => Assert.Equal((JobState.Scheduled, Reason.NotDue), (task.State, task.Reason)));
        Assert.Equal(2, (await batch.StatusAsync()).Counts.Queued);
    }

    [Fact, Trait("promise", "Q4")]
    public async Task Pending_tasks_are_read_in_pages()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Enumerable.Range(0, 2_500).Select(i => Do($"{i}")), Pool(1));
        await Work.NextAsync("0");
        Assert.Equal(
            Enumerable.Range(0, 2_500).Select(i => $"{i}"), (await PendingAsync(batch)).Select(task => task.Path));
        Assert.Equal(7, (await Engine.ListPendingAsync(batch.Id, -1, 7)).Count);
    }

    [Fact, Trait("promise", "Q4")]
    public async Task Nothing_is_pending_in_a_job_that_has_ended()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int>([Item.Task("same", 1), Item.Task("fail", "no")]);
        await batch.WhenAllAsync().Soon();
        Assert.Empty(await PendingAsync(batch));
    }

    [Fact, Trait("promise", "Q5")]
    public async Task Counts_add_up_at_every_depth()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<object>(
            [
                Item.Task("same", 1),
                Item.Task("fail", "no"),
                Do("running"),
                Item.Chain(Item.Task("fail", "no"), Item.Wait(Hour), Do("never")),
                Item.Chain(Item.Wait(Hour), Item.Batch(1, Do("later"), Do("later"))),
            ],
            Pool(3));
        await Work.NextAsync("running");
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Ended == 5);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal(new JobCounts(2, 1, 1, 0, 1, 2, 2), status.Counts);
        Assert.Equal((5, 3, JobState.Running), (status.ItemCount, status.CompletionCount, status.State));
        Assert.Equal(9, status.Counts.Total);
    }

    [Fact, Trait("promise", "Q5")]
    public async Task Progress_is_shown_while_the_task_runs()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        Attempt attempt = await Work.NextAsync("a");
        Assert.Null((await PendingAsync(batch))[0].Progress);
        attempt.Task.ReportProgress(0.25, "a quarter");
        await SoonExtensions.Eventually(async () => (await PendingAsync(batch))[0].Progress is not null);
        Assert.Equal(new TaskProgress(0.25, "a quarter"), (await PendingAsync(batch))[0].Progress);
        attempt.Task.ReportProgress(0.5);
        await SoonExtensions.Eventually(async () => (await PendingAsync(batch))[0].Progress!.Fraction == 0.5);
    }

    [Fact, Trait("promise", "Q5")]
    public async Task Rate_and_expected_end_follow_from_what_was_completed()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Enumerable.Range(0, 40).Select(i => Do($"{i}")), Pool(1));
        Assert.Null((await batch.StatusAsync()).ExpectedEnd);
        for (int i = 0; i < 20; i++)
        {
            Attempt attempt = await Work.NextAsync($"{i}");
            Time.Advance(Second);
            attempt.Return();
            await CompletedAsync(batch, i + 1);
        }
        await Work.NextAsync("20");
        JobStatus status = await batch.StatusAsync();
        Assert.InRange(status.Rate, 0.7, 1.4);
        Assert.InRange(status.ExpectedEnd!.Value - Time.Now, 10 * Second, 30 * Second);
    }

    [Fact, Trait("promise", "Q5")]
    public async Task The_timeline_has_every_attempt_and_wait()
    {
        GranaryClient granary = await StartAsync();
        DateTimeOffset start = Time.Now;
        var chain = await granary.StartChainAsync<string>(
            Chain.Start(Do("a", new() { Retries = 1 })).Wait(Hour).Then(Do("b")));
        Attempt first = await Work.NextAsync("a");
        Time.Advance(Second);
        first.Throw(new TaskFailedException("busy") { RetryAfter = Minute });
        await PendingAsync(chain, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(Minute);
        Attempt second = await Work.NextAsync("a");
        Time.Advance(Second);
        second.Return();
        await PendingAsync(chain, "1", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Hour);
        await Work.NextAsync("b");
        await PendingAsync(chain, "2", JobState.Running, Reason.None);

        var spans = await ListAsync(chain.TimelineAsync()).Soon();
        (string Path, int Attempt, JobState State, double Start, double? End)[] shown = [.. spans.Select(span => (
            span.Path, span.Attempt, span.State, (span.Start - start).TotalSeconds, (span.End - start)?.TotalSeconds))];
        Assert.Equal(
            [
                ("0", 1, JobState.Failed, 0, 1),
                ("0", 0, JobState.Waiting, 1, 61),
                ("0", 2, JobState.Succeeded, 61, 62),
                ("1", 0, JobState.Waiting, 62, 3662),
                ("2", 1, JobState.Running, 3662, null),
            ],
            shown);
    }

    [Fact, Trait("promise", "Q5")]
    public async Task The_timeline_survives_a_crash_and_shows_the_attempt_that_died()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], Pool(1));
        (await Work.NextAsync("a")).Return();
        await Work.NextAsync("b");
        await StartedAsync(batch, "1", 1);
        granary = await RestartAsync();
        (await Work.NextAsync("b")).Return();
        batch = granary.GetBatch<string>(batch.Id);
        await batch.WhenAllAsync().Soon();
        var spans = await ListAsync(batch.TimelineAsync()).Soon();
        Assert.Equal([("0", 1), ("1", 1), ("1", 2)], spans.Select(span => (span.Path, span.Attempt)));
        Assert.Equal([JobState.Succeeded, JobState.Failed, JobState.Succeeded], spans.Select(span => span.State));
        Assert.Equal(Reason.Interrupted, spans[1].Reason);
        Assert.All(spans, span => Assert.NotNull(span.End));
    }

    [Fact, Trait("promise", "Q5")]
    public async Task A_job_tells_when_it_was_submitted_and_when_it_ended()
    {
        GranaryClient granary = await StartAsync();
        DateTimeOffset start = Time.Now;
        var batch = await granary.StartBatchAsync<string>([Do("a")], new() { Name = "Pages" });
        Attempt attempt = await Work.NextAsync("a");
        JobStatus running = await batch.StatusAsync();
        Assert.Equal((JobState.Running, Reason.Children, start, null),
            (running.State, running.Reason, running.SubmittedAt, running.FinishedAt));
        Time.Advance(Minute);
        attempt.Return();
        JobStatus ended = await EndedAsync(batch);
        Assert.Equal((JobState.Succeeded, start + Minute, "Pages"), (ended.State, ended.FinishedAt, ended.Spec.Name));
    }

    [Fact, Trait("promise", "Q5")]
    public async Task Jobs_are_listed_newest_first_in_pages_and_by_state()
    {
        GranaryClient granary = await StartAsync();
        var ids = new List<JobId>();
        for (int i = 0; i < 250; i++)
        {
            Time.Advance(Second);
            ids.Insert(0, (await granary.StartBatchAsync<int, int>("same", [i])).Id);
        }
        foreach (JobId id in ids) await EndedAsync(granary.GetBatch<int>(id));
        Time.Advance(Second);
        JobId running = (await granary.StartBatchAsync<string>([Do("a")])).Id;

        Assert.Equal([running, .. ids], (await ListAsync(granary.ListJobsAsync())).Select(job => job.Id));
        Assert.Equal(ids, (await ListAsync(granary.ListJobsAsync(JobState.Succeeded))).Select(job => job.Id));
        Assert.Equal([running], (await ListAsync(granary.ListJobsAsync(JobState.Running))).Select(job => job.Id));
        Assert.Empty(await ListAsync(granary.ListJobsAsync(JobState.Failed)));
        JobPage page = await Engine.ListAsync(new JobQuery { Max = 3 });
        Assert.Equal(3, page.Jobs.Count);
        Assert.Equal(page.Jobs[^1].Id, page.Next);
    }
}
