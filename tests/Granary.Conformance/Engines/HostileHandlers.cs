using System.Text.Json;
using Granary.Stores;

namespace Granary.Conformance.Engines;

/// <summary>R8: whatever a handler does gives a clear outcome for its task, and nothing else.</summary>
public abstract class HostileHandlers(EngineFixture fixture) : EngineTests(fixture)
{
    /// <summary>Runs the handler between two good tasks and returns its outcome; the good ones must not
    /// notice.</summary>
    private async Task<TaskOutcome<JsonElement>> BesideGoodOnesAsync(
        Func<JsonElement, TaskContext, Task<object?>> handler)
    {
        GranaryClient granary = await StartAsync(handlers => handlers.Handle("bad", handler));
        var batch = await granary.StartBatchAsync(
            [Item.Task("same", 1), Item.Task("bad", "x"), Item.Task("same", 2)], Pool(1));
        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal((1, 2), (all[0].Value.GetInt32(), all[2].Value.GetInt32()));
        Assert.Equal(JobState.Succeeded, (await batch.StatusAsync()).State);
        return all[1];
    }

    public static TheoryData<string> Shapes => [.. s_shapes.Keys];

    private static readonly Dictionary<string, Func<Exception>> s_shapes = new()
    {
        ["plain"] = () => new InvalidOperationException("boom"),
        ["of a private type"] = () => new PrivateException("boom"),
        ["whose message throws"] = () => new TextlessException(),
        ["with causes"] = () => new AggregateException("boom", new FormatException("a"), new IOException("b")),
        ["that looks like a cancel"] = () => new OperationCanceledException("boom"),
        ["that looks like a canceled task"] = () => new TaskCanceledException("boom"),
        ["of the thread"] = () => new ThreadInterruptedException("boom"),
        ["of Granary's own"] = () => new RefusedException(Refusal.NotFound, "boom"),
        ["of a store"] = () => new StoreException(StoreFault.Corrupt, "boom"),
    };

    [Theory, Trait("promise", "R8"), MemberData(nameof(Shapes))]
    public async Task An_exception_of_any_shape_is_the_failure_of_its_task(string shape)
    {
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync(async (_, _) =>
        {
            await Task.Yield();
            throw s_shapes[shape]();
        });
        AssertOutcome(outcome, JobState.Failed);
        Assert.Equal(s_shapes[shape]().GetType().FullName, outcome.Error!.Type);
        Assert.NotEmpty(outcome.Error.Message);
    }

    [Theory, Trait("promise", "R8"), MemberData(nameof(Shapes))]
    public async Task An_exception_before_the_first_await_is_the_same(string shape)
    {
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync((_, _) => throw s_shapes[shape]());
        AssertOutcome(outcome, JobState.Failed);
    }

    [Fact, Trait("promise", "R8")]
    public async Task An_error_text_of_megabytes_is_cut()
    {
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync(
            (_, _) => throw new InvalidOperationException(new string('x', 10_000_000)));
        AssertOutcome(outcome, JobState.Failed);
        Assert.InRange(outcome.Error!.Message.Length, JobDefaults.MaxErrorLength, JobDefaults.MaxErrorLength + 1);
        Assert.InRange(outcome.Error.Detail.Length, 0, JobDefaults.MaxErrorLength + 1);
    }

    [Fact, Trait("promise", "R8")]
    public async Task No_task_at_all_is_a_failure()
    {
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync((_, _) => null!);
        AssertOutcome(outcome, JobState.Failed);
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_result_at_the_limit_is_kept_and_one_over_it_fails()
    {
        Fixture.Settings = new() { MaxResultBytes = 1_000 };
        GranaryClient granary = await StartAsync(
            handlers => handlers.Handle<int, string>("long", (length, _) => new string('x', length)));
        var batch = await granary.StartBatchAsync<int, string>("long", [998, 999, 5_000_000, 1]);

        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal((998, 1), (all[0].Value.Length, all[3].Value.Length));
        AssertOutcome(all[1], JobState.Failed, Reason.ResultTooLarge);
        AssertOutcome(all[2], JobState.Failed, Reason.ResultTooLarge);
        Assert.Contains("1,000", all[1].Error!.Message, StringComparison.Ordinal);
    }

    [Theory, Trait("promise", "R8"), InlineData("delegate"), InlineData("cycle"), InlineData("pointer"), InlineData(
        "getter")]
    public async Task A_result_that_cannot_be_written_fails_and_names_its_type(string kind)
    {
        object result = kind switch
        {
            "delegate" => (Action)(() => { }),
            "cycle" => new Cycle(),
            "pointer" => new { Pointer = (IntPtr)1 },
            _ => new ThrowingGetter(),
        };
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync((_, _) => Task.FromResult<object?>(result));
        AssertOutcome(outcome, JobState.Failed, Reason.ResultNotSerializable);
        Assert.Contains(result.GetType().Name, outcome.Error!.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("promise", "R8")]
    public async Task Arguments_of_another_type_fail_and_are_not_retried()
    {
        GranaryClient granary = await StartAsync(
            handlers => handlers.Handle<int, int>("number", (number, _) => number));
        var batch = await granary.StartBatchAsync<int>(
            [Item.Task("number", "three", new() { Retries = 5 }), Item.Task("number", 3)]);
        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed);
        Assert.Equal((1, "BadArguments"), (all[0].Attempts, all[0].Error!.Type));
        Assert.Contains("'number'", all[0].Error!.Message, StringComparison.Ordinal);
        Assert.Equal(3, all[1].Value);
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_handler_that_hangs_and_is_deaf_to_its_timeout_fails_after_its_grace_and_its_slot_is_free()
    {
        GranaryClient granary = await StartAsync();
        TaskOptions options = new() { Timeout = Minute, CancelGrace = 5 * Second };
        var batch = await granary.StartBatchAsync<string>([Do("deaf", options), Do("next")], Pool(1));
        Attempt deaf = await Work.NextAsync("deaf");
        Time.Advance(Minute);
        await deaf.SignaledAsync();
        Time.Advance(5 * Second - TimeSpan.FromTicks(1));
        Assert.Equal(1, (await batch.StatusAsync()).Counts.Running);
        Assert.Equal(0, Work.Unseen);
        Time.Advance(TimeSpan.FromTicks(1));
        (await Work.NextAsync("next")).Return("fine");
        var all = await batch.WhenAllAsync().Soon();
        AssertOutcome(all[0], JobState.Failed, Reason.TimedOut);
        Assert.Contains("may still be running", all[0].Error!.Message, StringComparison.Ordinal);
        Assert.Equal("fine", all[1].Value);

        deaf.Return("too late");
        AssertOutcome((await batch.WhenAllAsync().Soon())[0], JobState.Failed, Reason.TimedOut);
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_handler_that_blocks_its_thread_stops_neither_the_others_nor_the_engine()
    {
        using var release = new ManualResetEventSlim();
        GranaryClient granary = await StartAsync(handlers => handlers.Handle<int, int>("block", (number, _) =>
        {
            release.Wait();
            return number;
        }));
        try
        {
            var blocked = await granary.StartBatchAsync<int, int>("block", [1, 2], Pool(2)).Soon();
            await RunningAsync(blocked, 2).Soon();
            var free = await granary.StartBatchAsync<int, int>("same", [1, 2, 3]).Soon();
            Assert.Equal([1, 2, 3], await free.ResultsAsync().Soon());
            await blocked.PauseAsync().Soon();
            release.Set();
            Assert.Equal([1, 2], await blocked.ResultsAsync().Soon());
        }
        finally
        {
            release.Set();
        }
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_callback_on_the_cancellation_token_that_throws_harms_only_its_own_task()
    {
        var entered = new TaskCompletionSource();
        GranaryClient granary = await StartAsync(handlers => handlers.Handle<int, int>("rude", async (number, task) =>
        {
            task.CancellationToken.Register(() => throw new InvalidOperationException("rude"));
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, task.CancellationToken);
            return number;
        }));
        var batch = await granary.StartBatchAsync<int>(
            [Item.Task("rude", 1, new() { Timeout = Minute }), Item.Task("same", 2)]);
        await entered.Task.Soon();
        Time.Advance(Minute);
        var all = await batch.WhenAllAsync().Soon();
        Assert.Equal(JobState.Failed, all[0].State);
        Assert.Equal(2, all[1].Value);
    }

    [Fact, Trait("promise", "R8")]
    public async Task Progress_of_any_kind_and_after_the_end_does_no_harm()
    {
        TaskContext? kept = null;
        TaskOutcome<JsonElement> outcome = await BesideGoodOnesAsync((_, task) =>
        {
            kept = task;
            foreach (double fraction in new[] { double.NaN, -1, 7, double.PositiveInfinity }) task.ReportProgress(
                fraction);
            task.ReportProgress(0.5, new string('x', 1_000_000));
            return Task.FromResult<object?>(1);
        });
        kept!.ReportProgress(0.9);
        AssertOutcome(outcome, JobState.Succeeded);
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_task_whose_handler_is_gone_after_a_restart_waits_for_it()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Item.Task("same", "b")], Pool(1));
        await Work.NextAsync("a");

        granary = await RestartAsync(new HandlerRegistry().Handle<JsonElement, JsonElement>("same", (args, _) => args));
        batch = granary.GetBatch<string>(batch.Id);
        PendingTask waiting = await PendingAsync(batch, "0", JobState.Waiting, Reason.NoHandler);
        Assert.Equal("work", waiting.Handler);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Succeeded == 1);

        granary = await RestartAsync();
        (await Work.NextAsync("a")).Return("a");
        Assert.Equal(["a", "b"], await granary.GetBatch<string>(batch.Id).ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_thousand_tasks_whose_handler_is_gone_are_shown_and_all_run_when_it_is_back()
    {
        const int Count = 1_000;
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            Enumerable.Range(0, Count).Select(i => Do($"{i}")), Pool(10));
        await Work.NextAsync(10);

        granary = await RestartAsync(new HandlerRegistry());
        batch = granary.GetBatch<string>(batch.Id);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Waiting == Count);
        Assert.All(await PendingAsync(batch), task => Assert.Equal(
            (JobState.Waiting, Reason.NoHandler, "work"), (task.State, task.Reason, task.Handler)));

        granary = await RestartAsync(new HandlerRegistry().Handle<string, string>("work", (name, _) => name));
        batch = granary.GetBatch<string>(batch.Id);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i}"), await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R8")]
    public async Task A_task_whose_handler_stays_away_fails_in_the_end()
    {
        Fixture.Settings = new() { MissingHandlerTimeout = Minute };
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a", new() { Retries = 3 })]);
        await Work.NextAsync("a");
        granary = await RestartAsync(new HandlerRegistry());
        batch = granary.GetBatch<string>(batch.Id);
        await PendingAsync(batch, "0", JobState.Waiting, Reason.NoHandler);
        Time.Advance(Minute);
        TaskOutcome<string> outcome = (await batch.WhenAllAsync().Soon())[0];
        AssertOutcome(outcome, JobState.Failed, Reason.NoHandler);
        Assert.Contains("'work'", outcome.Error!.Message, StringComparison.Ordinal);
    }

    private sealed class PrivateException(string message) : Exception(message);

    private sealed class TextlessException : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");

        public override string ToString() => throw new InvalidOperationException("no text");
    }

    private sealed class Cycle
    {
        public Cycle Self => this;
    }

    private sealed class ThrowingGetter
    {
#pragma warning disable CA1822, CA1065 // The point of it.
        public int Value => throw new InvalidOperationException("no value");
#pragma warning restore CA1822, CA1065
    }
}
