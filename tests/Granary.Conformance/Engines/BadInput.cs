using System.Globalization;

namespace Granary.Conformance.Engines;

/// <summary>Bad input is refused with one clear sentence, and nothing is submitted.</summary>
public abstract class BadInput(EngineFixture fixture) : EngineTests(fixture)
{
    private async Task AssertRefusedAsync(Refusal refusal, JobSpec spec, IEnumerable<Item> items, params string[] words)
    {
        RefusedException refused = await RefusedAsync(refusal, () => Engine.SubmitAsync(spec, Stream(items)));
        foreach (string word in words) Assert.Contains(word, refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty((await Engine.ListAsync(new JobQuery())).Jobs);
    }

    private static JobSpec Batch(int pool = 2) => new() { Kind = JobKind.Batch, MaxConcurrency = pool };

    private static async IAsyncEnumerable<Item> Stream(IEnumerable<Item> items)
    {
        await Task.CompletedTask;
        foreach (Item item in items) yield return item;
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(int.MinValue), InlineData(1_000_001)]
    public async Task A_pool_out_of_range_is_refused_at_every_depth(int size)
    {
        GranaryClient granary = await StartAsync();
        RefusedException refused = await RefusedAsync(
            Refusal.Invalid, () => granary.StartBatchAsync<int, int>("same", [1], Pool(size)));
        Assert.Contains(nameof(BatchOptions.MaxConcurrency), refused.Message, StringComparison.Ordinal);
        await AssertRefusedAsync(Refusal.Invalid, Batch(size), [Item.Task("same", 1)], "MaxConcurrency");
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [Item.Batch(size, Item.Task("same", 1))], "MaxConcurrency");
    }

    [Fact]
    public async Task Times_out_of_range_are_refused_and_named()
    {
        await StartAsync();
        Item[] items = [Item.Task("same", 1)];
        TimeSpan negative = -Second;
        TimeSpan huge = JobDefaults.MaxTime + Second;
        foreach (TimeSpan bad in new[] { negative, huge })
        {
            await AssertRefusedAsync(Refusal.Invalid, Batch() with { Delay = bad }, items, "Delay");
            await AssertRefusedAsync(Refusal.Invalid, Batch() with { Deadline = bad }, items, "Deadline");
            await AssertRefusedAsync(Refusal.Invalid, Batch() with { Retention = bad }, items, "Retention");
            await AssertRefusedAsync(Refusal.Invalid, Batch() with { SealTimeout = bad }, items, "SealTimeout");
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [Item.Chain(Item.Wait(bad))], "wait");
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [new ChainItem(items) { Deadline = bad }], "Deadline");
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [new BatchItem(items) { Deadline = bad }], "Deadline");
        }
    }

    [Fact]
    public async Task Task_options_out_of_range_are_refused_and_named_wherever_they_stand()
    {
        await StartAsync();
        (string Name, TaskOptions Options)[] bad =
        [
            ("Retries", new() { Retries = -1 }),
            ("Retries", new() { Retries = 10_001 }),
            ("Backoff", new() { Backoff = -Second }),
            ("MaxBackoff", new() { MaxBackoff = -Second }),
            ("Timeout", new() { Timeout = -Second }),
            ("Timeout", new() { Timeout = TimeSpan.Zero }),
            ("Deadline", new() { Deadline = -Second }),
            ("CancelGrace", new() { CancelGrace = -Second }),
            ("MaxInterruptions", new() { MaxInterruptions = -1 }),
        ];
        foreach (var (name, options) in bad)
        {
            TaskItem good = Item.Task("same", 1);
            TaskItem task = good with { Options = options };
            await AssertRefusedAsync(Refusal.Invalid, Batch() with { Defaults = options }, [good], name);
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [task], name);
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [Item.Chain(task)], name);
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [new ChainItem([good]) { Defaults = options }], name);
            await AssertRefusedAsync(Refusal.Invalid, Batch(), [new BatchItem([good]) { Defaults = options }], name);
        }
    }

    [Fact]
    public async Task An_unknown_handler_is_refused_at_every_depth_and_named()
    {
        await StartAsync();
        Item bad = Item.Task("nobody", 1);
        foreach (Item item in new[] { bad, Item.Chain(Item.Task("same", 1), bad), Item.Chain(Item.Batch(1, bad)) })
            await AssertRefusedAsync(Refusal.NoHandler, Batch(), [Item.Task("same", 1), item], "'nobody'");
    }

    [Fact]
    public async Task A_refusal_in_the_middle_of_a_long_stream_leaves_nothing()
    {
        await StartAsync();
        IEnumerable<Item> items = Enumerable.Range(0, 5_000).Select(i => Item.Task(i == 4_321 ? "nobody" : "same", i));
        await AssertRefusedAsync(Refusal.NoHandler, Batch(), items, "'nobody'");
        Assert.Equal(0, Work.Unseen);
    }

    [Fact]
    public async Task Names_and_keys_that_are_blank_or_too_long_are_refused()
    {
        await StartAsync();
        Item[] items = [Item.Task("same", 1)];
        string tooLong = new('x', JobDefaults.MaxNameLength + 1);
        await AssertRefusedAsync(Refusal.Invalid, Batch() with { Key = tooLong }, items, "key");
        await AssertRefusedAsync(Refusal.Invalid, Batch() with { Key = "" }, items, "key");
        await AssertRefusedAsync(Refusal.Invalid, Batch() with { Name = tooLong }, items, "name");
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [new TaskItem("", default)], "handler");
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [new TaskItem(tooLong, default)], "handler");
    }

    [Fact]
    public async Task A_wait_stands_only_in_chains()
    {
        await StartAsync();
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [Item.Wait(Second)], "wait", "chain");
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [Item.Batch(1, Item.Wait(Second))], "wait", "chain");
    }

    [Fact]
    public async Task Arguments_over_the_limit_are_refused_and_those_at_the_limit_are_not()
    {
        Fixture.Settings = new() { MaxArgumentBytes = 1_000 };
        GranaryClient granary = await StartAsync();
        TaskItem exact = Item.Task("same", new string('x', 998));
        TaskItem over = Item.Task("same", new string('x', 999));

        await AssertRefusedAsync(
            Refusal.Invalid, Batch(), [exact, Item.Chain(over)], 1_000.ToString("N0", CultureInfo.InvariantCulture));
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([exact]);
        Assert.Equal(998, (await batch.ResultsAsync().Soon())[0].Length);
    }

    [Fact]
    public async Task Thirty_two_levels_run_and_thirty_three_are_refused()
    {
        GranaryClient granary = await StartAsync();
        Item Nested(int levels, Item inside)
        {
            for (int i = 0; i < levels; i++) inside = i % 2 == 0 ? Item.Batch(1, inside) : Item.Chain(inside);
            return inside;
        }

        await AssertRefusedAsync(Refusal.Invalid, Batch(), [Nested(JobDefaults.MaxDepth, Item.Task("same", 1))], "32");
        await AssertRefusedAsync(Refusal.Invalid, Batch(), [Nested(10_000, Item.Task("same", 1))], "32");
        var batch = await granary.StartBatchAsync([Nested(JobDefaults.MaxDepth - 1, Item.Task("same", 1))]);
        Assert.True((await batch.WhenAllAsync().Soon())[0].Succeeded);
        Assert.Equal(1, (await batch.StatusAsync()).Counts.Succeeded);
    }

    [Fact]
    public async Task Every_request_about_a_job_that_does_not_exist_says_so()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> nothing = granary.GetBatch<int>(JobId.From(Time.Now, 1));
        Func<Task>[] requests =
        [
            () => nothing.StatusAsync(),
            () => nothing.WhenAllAsync(),
            () => nothing.WaitAsync(),
            () => ListAsync(nothing.WhenEachAsync()),
            () => ListAsync(nothing.ListPendingAsync()),
            () => ListAsync(nothing.TimelineAsync()),
            () => nothing.CancelAsync(),
            () => nothing.CancelPendingAsync(),
            () => nothing.ResizePoolAsync(3),
            () => nothing.PauseAsync(),
            () => nothing.ResumeAsync(),
            () => nothing.RetryFailedAsync(),
            () => nothing.SealAsync(),
            () => nothing.AppendAsync("same", [1]),
        ];
        foreach (Func<Task> request in requests)
        {
            RefusedException refused = await RefusedAsync(Refusal.NotFound, request);
            Assert.Contains(nothing.Id.ToString(), refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Pages_that_are_out_of_range_are_refused()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1]);
        await RefusedAsync(Refusal.Invalid, () => Engine.ReadCompletionsAsync(batch.Id, -1, 10, TimeSpan.Zero));
        await RefusedAsync(Refusal.Invalid, () => Engine.ReadCompletionsAsync(batch.Id, 0, 0, TimeSpan.Zero));
        await RefusedAsync(Refusal.Invalid, () => Engine.ReadOutcomesAsync(batch.Id, -1, 10));
        await RefusedAsync(Refusal.Invalid, () => Engine.ReadOutcomesAsync(batch.Id, 0, 0));
        await RefusedAsync(Refusal.Invalid, () => Engine.ListPendingAsync(batch.Id, -1, 0));
        await RefusedAsync(Refusal.Invalid, () => Engine.ListAsync(new JobQuery { Max = 0 }));
        await RefusedAsync(Refusal.Invalid, () => Engine.ListAsync(new JobQuery { Max = 1_001 }));
    }
}
