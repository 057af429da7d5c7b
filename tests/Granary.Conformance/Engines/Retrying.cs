namespace Granary.Conformance.Engines;

/// <summary>R6: attempts, back-off and attempt timeouts.</summary>
public abstract class Retrying(EngineFixture fixture) : EngineTests(fixture)
{
    private static readonly TaskOptions s_atOnce = new() { Backoff = TimeSpan.Zero };

    [Fact, Trait("promise", "R6")]
    public async Task A_task_is_tried_as_often_as_it_says_and_the_last_error_is_its_outcome()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", s_atOnce with { Retries = 2 })]);
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            Attempt running = await Work.NextAsync("a");
            Assert.Equal(attempt, running.Task.Attempt);
            running.Fail($"no {attempt}");
        }
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed);
        Assert.Equal((3, "no 3"), (outcome.Attempts, outcome.Error!.Message));
        Assert.Equal(typeof(InvalidOperationException).FullName, outcome.Error.Type);
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_task_that_succeeds_in_the_end_has_succeeded()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", s_atOnce with { Retries = 5 })]);
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("a")).Return("b");
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Succeeded);
        Assert.Equal((2, "b"), (outcome.Attempts, outcome.Value));
        Assert.Null(outcome.Error);
    }

    [Fact, Trait("promise", "R6")]
    public async Task There_is_no_retry_unless_somebody_asks()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Item.Task("fail", "no")]);
        Assert.Equal(1, (await batch.WhenAllAsync().Soon())[0].Attempts);
    }

    [Fact, Trait("promise", "R6")]
    public async Task The_pause_is_drawn_below_a_bound_that_doubles_up_to_a_cap()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions options = new() { Retries = 8, Backoff = 10 * Second, MaxBackoff = Minute };
        var batch = await granary.StartBatchAsync<string>(
            [.. Enumerable.Range(0, 20).Select(_ => Do("a", options))], Pool(20));
        TimeSpan[] bounds = [10 * Second, 20 * Second, 40 * Second, Minute, Minute, Minute];
        foreach (TimeSpan bound in bounds)
        {
            foreach (Attempt attempt in await Work.NextAsync(20)) attempt.Fail();
            PendingTask[] pending = [];
            await SoonExtensions.Eventually(async () =>
            {
                pending = await PendingAsync(batch);
                return pending.All(task => task.Reason == Reason.RetryBackoff);
            });
            TimeSpan[] pauses = [.. pending.Select(task => task.DueAt!.Value - Time.Now)];
            Assert.All(pauses, pause => Assert.InRange(pause, TimeSpan.Zero, bound));
            Assert.True(
                pauses.Distinct().Count() > 10, "The pauses are not spread: full jitter draws each of its own.");
            Assert.Contains(pauses, pause => pause > bound / 4);
            Time.Advance(bound);
        }
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_pending_retry_tells_its_attempts_its_time_and_the_last_error()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 1 })]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = Minute });
        PendingTask task = await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Assert.Equal((1, Time.Now + Minute), (task.Attempts, task.DueAt));
        Assert.Contains("busy", task.LastError, StringComparison.Ordinal);
    }

    [Fact, Trait("promise", "R6")]
    public async Task An_error_can_say_when_to_retry()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions options = new() { Retries = 1, Backoff = Second, MaxBackoff = Second };
        var batch = await granary.StartBatchAsync<string>([Do("a", options)]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = Hour });
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(Hour - Second);
        Assert.Equal(0, Work.Unseen);
        Time.Advance(Second);
        (await Work.NextAsync("a")).Return("b");
        Assert.Equal(["b"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R6")]
    public async Task An_error_can_say_that_it_must_not_be_retried_and_carry_data()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", s_atOnce with { Retries = 5 })]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("no such page")
        {
            Type = "Http404",
            Retryable = false,
            Data = TaskFailedException.ToData(new { status = 404 }),
        });
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed);
        Assert.Equal((1, "Http404", "no such page"), (outcome.Attempts, outcome.Error!.Type, outcome.Error.Message));
        Assert.Equal("""{"status":404}""", System.Text.Encoding.UTF8.GetString(outcome.Error.Data.Span));
    }

    [Fact, Trait("promise", "R6")]
    public async Task What_a_task_leaves_open_is_inherited_from_the_nearest_around_it()
    {
        GranaryClient granary = await StartAsync();
        TaskItem plain = Item.Task("fail", "no");
        TaskItem own = Item.Task("fail", "no", new() { Retries = 4 });
        Item[] items =
        [
            plain,
            own,
            new ChainItem([plain]) { Defaults = new() { Retries = 2 } },
            new BatchItem([plain, own, Item.Chain(plain)]) { Defaults = new() { Retries = 3 } },
        ];
        var batch = await granary.StartBatchAsync(items, new() { Defaults = s_atOnce with { Retries = 1 } });
        await batch.WhenAllAsync().Soon();

        var attempts = (await ListAsync(batch.TimelineAsync())).Where(span => span.Attempt > 0)
            .GroupBy(span => span.Path).ToDictionary(group => group.Key, group => group.Max(span => span.Attempt));
        Assert.Equal(2, attempts["0"]);
        Assert.Equal(5, attempts["1"]);
        Assert.Equal(3, attempts["2.0"]);
        Assert.Equal((4, 5, 4), (attempts["3.0"], attempts["3.1"], attempts["3.2.0"]));
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_back_off_survives_a_crash()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 1 })]);
        (await Work.NextAsync("a")).Throw(new TaskFailedException("busy") { RetryAfter = Hour });
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(Minute);

        granary = await RestartAsync();

        Time.Advance(Hour - Minute - Second);
        PendingTask task = await PendingAsync(
            granary.GetBatch<string>(batch.Id), "0", JobState.Waiting, Reason.RetryBackoff);
        Assert.Contains("busy", task.LastError, StringComparison.Ordinal);
        Assert.Equal(0, Work.Unseen);
        Time.Advance(Second);
        Assert.Equal(2, (await Work.NextAsync("a")).Task.Attempt);
    }

    [Fact, Trait("promise", "R6")]
    public async Task An_attempt_that_runs_too_long_is_signaled_and_has_timed_out()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Timeout = Minute })]);
        Attempt attempt = await Work.NextAsync("a");
        Time.Advance(Minute - Second);
        Assert.False(attempt.IsSignaled);
        Time.Advance(Second);
        await attempt.SignaledAsync();
        attempt.Stop();

        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed, Reason.TimedOut);
        Assert.Equal((1, Minute), (outcome.Attempts, outcome.Duration));
        Assert.Contains("00:01:00", outcome.Error!.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("promise", "R6")]
    public async Task An_attempt_that_timed_out_is_retried_with_a_timeout_of_its_own()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", s_atOnce with { Timeout = Minute, Retries = 1 })]);
        Attempt first = await Work.NextAsync("a");
        Time.Advance(Minute);
        await first.SignaledAsync();
        first.Stop();
        Attempt second = await Work.NextAsync("a");
        Time.Advance(Minute - Second);
        Assert.False(second.IsSignaled);
        second.Return("b");
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        Assert.Equal((2, "b"), (outcome.Attempts, outcome.Value));
    }

    [Fact, Trait("promise", "R6")]
    public async Task A_timeout_around_a_task_can_be_lifted()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions none = new() { Timeout = Timeout.InfiniteTimeSpan };
        var batch = await granary.StartBatchAsync<string>(
            [Do("a", none), Do("b")], new() { Defaults = new() { Timeout = Minute } });
        Attempt[] attempts = await Work.NextAsync(2);
        Time.Advance(Minute);
        await attempts[1].SignaledAsync();
        Assert.False(attempts[0].IsSignaled);
        attempts[0].Return("a");
        attempts[1].Stop();
        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Succeeded);
        AssertOutcome(all[1], JobState.Failed, Reason.TimedOut);
    }
}
