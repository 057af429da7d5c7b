using System.Collections.Concurrent;

namespace Granary.Conformance.Engines;

/// <summary>R1, R3, R4, R5: slots, waiting, recording, and failures that disturb nobody.</summary>
public abstract class Running(EngineFixture fixture) : EngineTests(fixture)
{
    [Theory, Trait("promise", "R1"), InlineData(1), InlineData(3), InlineData(16)]
    public async Task Never_more_than_the_pool_runs_at_once_and_the_pool_is_used_up(int pool)
    {
        GranaryClient granary = await StartAsync();
        string[] names = [.. Enumerable.Range(0, 3 * pool).Select(i => $"{i:d3}")];
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(names.Select(name => Do(name)), Pool(pool));

        var running = new Queue<Attempt>(await Work.NextAsync(pool));
        for (int started = pool; started < names.Length; started++)
        {
            await RunningAsync(batch, pool);
            Assert.Equal(0, Work.Unseen);
            running.Dequeue().Return("done");
            running.Enqueue(await Work.NextAsync(names[started]));
        }
        foreach (Attempt attempt in running) attempt.Return("done");
        Assert.Equal(names.Length, (await batch.ResultsAsync().Soon()).Count);
    }

    [Fact, Trait("promise", "R1")]
    public async Task The_default_pool_is_two()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a"), Do("b"), Do("c")]);
        await Work.NextAsync(2);
        await RunningAsync(batch, 2);
        Assert.Equal(0, Work.Unseen);
        Assert.Equal(2, (await batch.StatusAsync()).MaxConcurrency);
    }

    [Theory, Trait("promise", "R1"), InlineData(2, 5), InlineData(5, 2), InlineData(3, 3)]
    public async Task A_nested_task_needs_a_slot_of_every_batch_around_it(int outer, int inner)
    {
        var counter = new Counter();
        GranaryClient granary = await StartAsync(handlers => handlers.Handle<int, int>("count", counter.RunAsync));
        Item[] items = [.. Enumerable.Range(0, 4).Select(batch => Item.Batch(
            inner, [.. Enumerable.Range(0, 10).Select(_ => Item.Task("count", batch))]))];

        BatchHandle<object> handle = await granary.StartBatchAsync<object>(items, Pool(outer));
        Assert.All(await handle.WhenAllAsync().Soon(), outcome => Assert.True(outcome.Succeeded));

        Assert.InRange(counter.Most, 1, outer);
        Assert.All(counter.MostInside, count => Assert.InRange(count, 1, Math.Min(outer, inner)));
    }

    [Fact, Trait("promise", "R1")]
    public async Task Batches_do_not_share_slots()
    {
        GranaryClient granary = await StartAsync();
        await granary.StartBatchAsync<string>([Do("a1"), Do("a2")], Pool(1));
        await granary.StartBatchAsync<string>([Do("b1"), Do("b2")], Pool(1));
        Attempt[] attempts = await Work.NextAsync(2);
        Assert.Equal(["a1", "b1"], attempts.Select(attempt => attempt.Name));
    }

    [Fact, Trait("promise", "R3")]
    public async Task A_pool_of_one_does_not_deadlock_on_nesting()
    {
        GranaryClient granary = await StartAsync();
        Item Inside(int levels) => levels == 0
            ? Item.Task("same", 1)
            : Item.Batch(1, Item.Chain(Item.Task("same", 1), Inside(levels - 1)), Item.Task("same", 2));

        var batch = await granary.StartBatchAsync([Inside(8), Inside(8)], Pool(1));
        Assert.All(await batch.WhenAllAsync().Soon(), outcome => Assert.True(outcome.Succeeded));
        JobStatus status = await batch.StatusAsync();
        Assert.Equal(status.Counts.Total, status.Counts.Succeeded);
    }

    [Fact, Trait("promise", "R3")]
    public async Task A_durable_wait_holds_no_slot()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            [Item.Chain(Item.Wait(Hour), Do("late")), Do("now")], Pool(1));

        (await Work.NextAsync("now")).Return("now");
        await PendingAsync(batch, "0.0", JobState.Waiting, Reason.DurableWait);
        Time.Advance(Hour);
        (await Work.NextAsync("late")).Return("late");
        Assert.Equal(["late", "now"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R3")]
    public async Task A_back_off_holds_no_slot()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            [Do("bad", new() { Retries = 1, Backoff = Hour, MaxBackoff = Hour }), Do("good")], Pool(1));

        (await Work.NextAsync("bad")).Throw(new TaskFailedException("busy") { RetryAfter = Hour });
        (await Work.NextAsync("good")).Return("good");
        await PendingAsync(batch, "0", JobState.Waiting, Reason.RetryBackoff);
        Time.Advance(Hour);
        (await Work.NextAsync("bad")).Return("well");
        Assert.Equal(["well", "good"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R3")]
    public async Task A_thousand_waits_hold_no_threads()
    {
        GranaryClient granary = await StartAsync();
        int before = ThreadPool.ThreadCount;
        var batch = await granary.StartBatchAsync<int>(
            Enumerable.Range(0, 1_000).Select(i => Item.Chain(Item.Wait(Hour), Item.Task("same", i))), Pool(1));
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Waiting == 1_000);
        Assert.InRange(ThreadPool.ThreadCount, 0, before + 100);
        Time.Advance(Hour);
        Assert.Equal(Enumerable.Range(0, 1_000), await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R4")]
    public async Task An_outcome_tells_attempts_times_and_place()
    {
        GranaryClient granary = await StartAsync();
        DateTimeOffset start = Time.Now;
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a")]);
        Attempt attempt = await Work.NextAsync("a");
        Time.Advance(Minute);
        attempt.Return("b");

        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Succeeded);
        Assert.Equal((0, 1, "b"), (outcome.Index, outcome.Attempts, outcome.Value));
        Assert.Equal((start, Minute), (outcome.StartedAt, outcome.Duration));
        Assert.Contains(Environment.MachineName, outcome.Place, StringComparison.OrdinalIgnoreCase);
        Assert.Null(outcome.Error);
    }

    [Fact, Trait("promise", "R4")]
    public async Task The_idempotency_key_is_the_same_on_every_attempt_and_differs_between_tasks()
    {
        var keys = new ConcurrentBag<(int Task, string Key)>();
        GranaryClient granary = await StartAsync(handlers => handlers.Handle<int, int>("keyed", int (task, context) =>
        {
            keys.Add((task, context.IdempotencyKey));
            return context.Attempt == 3 ? task : throw new InvalidOperationException("again");
        }));
        Item[] items = [Item.Task("keyed", 0), Item.Chain(Item.Task("keyed", 1)), Item.Batch(1, Item.Task("keyed", 2))];
        var options = new BatchOptions { Defaults = new() { Retries = 2, Backoff = TimeSpan.Zero } };
        await (await granary.StartBatchAsync(items, options)).WhenAllAsync().Soon();
        await (await granary.StartBatchAsync(items, options)).WhenAllAsync().Soon();

        Assert.Equal(18, keys.Count);
        Assert.Equal(6, keys.Select(key => key.Key).Distinct().Count());
        Assert.Equal(6, keys.Distinct().Count());
    }

    [Fact, Trait("promise", "R4")]
    public async Task An_outcome_stays_as_it_is()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            [Item.Task("fail", "no"), Item.Task("same", "yes")]);
        string Shown(IReadOnlyList<TaskOutcome<string>> all) => string.Join('|', all.Select(
            o => $"{o.Index} {o.Sequence} {o.State} {o.Error} {o.StartedAt:O} {o.Duration} {o.Place} {o.Attempts}"));
        string first = Shown(await batch.WhenAllAsync().Soon());

        await batch.CancelAsync();
        Time.Advance(Hour);
        Assert.Equal(first, Shown(await batch.WhenAllAsync().Soon()));
        batch = (await RestartAsync()).GetBatch<string>(batch.Id);
        Assert.Equal(first, Shown(await batch.WhenAllAsync().Soon()));
    }

    [Fact, Trait("promise", "R5")]
    public async Task One_failure_disturbs_nobody_by_default()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            Enumerable.Range(0, 10).Select(
                i => i % 3 == 1 ? Item.Task("fail", $"no {i}") : Item.Task("same", $"yes {i}")));

        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync().Soon();
        for (int i = 0; i < 10; i++)
        {
            AssertOutcome(all[i], i % 3 == 1 ? JobState.Failed : JobState.Succeeded);
            if (i % 3 == 1) Assert.Equal($"no {i}", all[i].Error!.Message);
            else Assert.Equal($"yes {i}", all[i].Value);
        }
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Succeeded, Reason.None), (status.State, status.Reason));
        Assert.Equal((7, 3), (status.Counts.Succeeded, status.Counts.Failed));
    }

    [Fact, Trait("promise", "R5")]
    public async Task With_CancelPending_the_first_failure_ends_the_batch_and_what_runs_is_let_finish()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(
            [Do("a"), Do("b"), Do("c"), Item.Chain(Do("d"))], Pool(2) with { OnFailure = FailurePolicy.CancelPending });
        Attempt[] running = await Work.NextAsync(2);

        running[0].Fail();
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Canceled == 2);
        Assert.False(running[1].IsSignaled);
        running[1].Return("b");

        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed);
        AssertOutcome(all[1], JobState.Succeeded);
        AssertOutcome(all[2], JobState.Canceled, Reason.SiblingFailed);
        AssertOutcome(all[3], JobState.Canceled, Reason.SiblingFailed);
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((JobState.Failed, Reason.SiblingFailed), (status.State, status.Reason));
        Assert.Equal(0, Work.Unseen);
    }

    [Fact, Trait("promise", "R5")]
    public async Task With_CancelPending_a_failure_counts_only_after_its_retries()
    {
        GranaryClient granary = await StartAsync();
        var options = Pool(1) with
        {
            OnFailure = FailurePolicy.CancelPending,
            Defaults = new() { Retries = 1, Backoff = TimeSpan.Zero },
        };
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a"), Do("b")], options);
        (await Work.NextAsync("a")).Fail();
        (await Work.NextAsync("a")).Return("a");
        (await Work.NextAsync("b")).Return("b");
        Assert.Equal(["a", "b"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R5")]
    public async Task A_nested_batch_with_CancelPending_ends_alone()
    {
        GranaryClient granary = await StartAsync();
        var inner = new BatchItem([Item.Task("fail", "no"), Item.Task("same", "never")])
        {
            MaxConcurrency = 1,
            OnFailure = FailurePolicy.CancelPending,
        };
        var batch = await granary.StartBatchAsync([inner, Item.Task("same", "yes")], Pool(1));
        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.SiblingFailed);
        Assert.Equal("yes", all[1].Value.GetString());
        Assert.Equal(JobState.Succeeded, (await batch.StatusAsync()).State);
    }

    private sealed class Counter
    {
        private readonly Lock _lock = new();
        private readonly int[] _inside = new int[4];
        private int _all;

        public int Most { get; private set; }

        public int[] MostInside { get; } = new int[4];

        public async Task<int> RunAsync(int batch, TaskContext task)
        {
            lock (_lock)
            {
                Most = Math.Max(Most, ++_all);
                MostInside[batch] = Math.Max(MostInside[batch], ++_inside[batch]);
            }
            for (int i = 0; i < 20; i++) await Task.Yield();
            lock (_lock)
            {
                _inside[batch]--;
                _all--;
            }
            return batch;
        }
    }
}
