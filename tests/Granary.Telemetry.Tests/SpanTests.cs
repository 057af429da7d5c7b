namespace Granary.Telemetry.Tests;

/// <summary>Every span, its place, its attributes and its status.</summary>
public sealed class SpanTests : IDisposable
{
    private static readonly HandlerRegistry s_handlers = new HandlerRegistry()
        .Handle<string, string>("same", async (text, _) =>
        {
            using Activity? own = SpanRecorder.App.StartActivity("own");
            await Task.Yield();
            return text;
        })
        .Handle<string, string>("fail", string (text, _) => throw new InvalidOperationException(text))
        .Handle<string, string>("once", (text, task) =>
            task.Attempt == 1 ? throw new InvalidOperationException(text) : Task.FromResult(text))
        .Handle<string, string>("hang", async (text, task) =>
        {
            await Task.Delay(Timeout.Infinite, task.CancellationToken);
            return text;
        })
        .Handle<string, string>("deaf", async (text, _) =>
        {
            await Task.Delay(Timeout.Infinite);
            return text;
        });

    private readonly SpanRecorder _spans = new();

    public void Dispose() => _spans.Dispose();

    [Fact]
    public async Task A_submission_is_a_span_of_the_client_and_one_of_the_engine_within()
    {
        JobId job;
        await using (var host = new EngineHost(s_handlers))
            job = (await (await host.StartAsync()).StartBatchAsync<string, string>("same", ["a"])).Id;
        Activity submit = _spans.Only("submit batch"), accept = _spans.Only("accept batch");
        Assert.Equal(ActivityKind.Producer, submit.Kind);
        Assert.Equal(default, submit.ParentSpanId);
        accept.IsUnder(submit);
        Assert.All([submit, accept], span =>
        {
            Assert.Equal(job.ToString(), span.Text("granary.job.id"));
            Assert.Equal("batch", span.Text("granary.job.kind"));
            Assert.Null(span.GetTagItem("granary.submission.existed"));
            Assert.Equal(GranaryTelemetry.Version, span.Source.Version);
        });
    }

    [Fact]
    public async Task A_refused_submission_says_why()
    {
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            await Assert.ThrowsAsync<RefusedException>(
                () => granary.StartBatchAsync<string, string>("nobody", ["a"]));
        }
        _spans.Only("submit batch").Failed("NoHandler");
        _spans.Only("accept batch").Failed("NoHandler");
    }

    [Fact]
    public async Task A_key_finds_its_job_whatever_trace_it_comes_from_and_the_second_submission_is_linked()
    {
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            BatchOptions options = new() { Key = "k" };
            JobId first = (await granary.StartBatchAsync<string, string>("same", ["a"], options)).Id;
            Assert.Equal(first, (await granary.StartBatchAsync<string, string>("same", ["a"], options)).Id);
        }
        Activity[] accepts = _spans.Named("accept batch");
        Assert.NotEqual(accepts[0].TraceId, accepts[1].TraceId);
        accepts[1].IsLinkedTo(accepts[0]);
        Assert.Equal("True", accepts[1].Text("granary.submission.existed"));
    }

    [Fact]
    public async Task An_attempt_is_a_consumer_under_the_submission_and_current_in_the_handler()
    {
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            await (await granary.StartChainAsync<string>(
                Item.Chain(Item.Task("same", "a"), Item.Batch(2, Item.Task("same", "b"))))).OutcomeAsync().Soon();
        }
        Activity accept = _spans.Only("accept chain");
        Activity[] attempts = _spans.Named("process same");
        Assert.Equal(["0", "1.0"], attempts.Select(span => span.Text("granary.task.path")));
        Assert.Equal(["1", "3"], attempts.Select(span => span.Text("granary.task.node")));
        Assert.All(attempts, span =>
        {
            span.IsUnder(accept);
            Assert.Empty(span.Links);
            Assert.Equal(ActivityKind.Consumer, span.Kind);
            Assert.Equal(accept.Text("granary.job.id"), span.Text("granary.job.id"));
            Assert.Equal("same", span.Text("granary.handler"));
            Assert.Equal("1", span.Text("granary.attempt"));
            Assert.Equal("Succeeded", span.Text("granary.attempt.end"));
            Assert.Equal(ActivityStatusCode.Unset, span.Status);
            Assert.Single(_spans.Named("own"), own => own.ParentSpanId == span.SpanId);
        });
    }

    [Fact]
    public async Task Failures_retries_timeouts_and_handlers_that_do_not_stop_are_errors_with_their_type()
    {
        TaskOptions retry = new() { Retries = 1, Backoff = TimeSpan.Zero };
        TaskOptions brief = new() { Timeout = TimeSpan.FromMilliseconds(1) };
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            await (await granary.StartBatchAsync<string>(
            [
                Item.Task("fail", "x"), Item.Task("once", "x", retry), Item.Task("hang", "x", brief),
                Item.Task("deaf", "x", brief with { CancelGrace = TimeSpan.Zero }),
            ])).WhenAllAsync().Soon();
        }
        _spans.Only("process fail").Failed("System.InvalidOperationException");
        Activity[] once = _spans.Named("process once");
        once[0].Failed("System.InvalidOperationException");
        Assert.Equal(["1", "2"], once.Select(span => span.Text("granary.attempt")));
        Assert.Equal(["Failed", "Succeeded"], once.Select(span => span.Text("granary.attempt.end")));
        Activity hang = _spans.Only("process hang");
        hang.Failed("TimedOut");
        Assert.Equal("TimedOut", hang.Text("granary.reason"));
        _spans.Only("process deaf").Failed("TimedOut");
        Activity run = _spans.Only("run batch");
        Assert.Equal("1", run.Text("granary.job.succeeded"));
        Assert.Equal("3", run.Text("granary.job.failed"));
    }

    [Fact]
    public async Task An_attempt_that_was_canceled_stopped_and_did_not_fail()
    {
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("hang", ["a", "b", "c"]);
            await host.RunsAsync(batch.Id, "1");
            await batch.CancelAsync();
            await batch.WhenAllAsync().Soon();
        }
        Assert.All(_spans.Named("process hang"), span =>
        {
            Assert.Equal("Stopped", span.Text("granary.attempt.end"));
            Assert.Equal(ActivityStatusCode.Unset, span.Status);
        });
        Activity run = _spans.Only("run batch");
        run.IsUnder(_spans.Only("accept batch"));
        Assert.Equal("Canceled", run.Text("granary.state"));
        Assert.Equal("3", run.Text("granary.job.canceled"));
    }

    [Fact]
    public async Task After_a_crash_attempts_belong_to_the_recovery_and_are_linked_to_the_submission()
    {
        await using (var host = new EngineHost(s_handlers))
        {
            GranaryClient granary = await host.StartAsync();
            JobId job = (await granary.StartBatchAsync<string, string>("hang", ["a"])).Id;
            await host.RunsAsync(job, "0");
            await host.CrashAsync();
            granary = await host.StartAsync(
                new HandlerRegistry().Handle<string, string>("hang", (text, _) => Task.FromResult(text)));
            await granary.GetBatch<string>(job).ResultsAsync().Soon();
        }
        Activity accept = _spans.Only("accept batch"), recover = _spans.Only("recover batch");
        recover.IsUnder(accept);
        recover.IsLinkedTo(accept);
        Assert.Equal("1", recover.Text("granary.job.running"));
        Activity[] attempts = _spans.Named("process hang");
        attempts[0].IsUnder(accept);
        attempts[0].Failed("Lost");
        attempts[1].IsUnder(recover);
        attempts[1].IsLinkedTo(accept);
    }

    [Fact]
    public async Task In_a_large_job_each_attempt_has_its_own_trace_and_a_chain_has_one()
    {
        await using (var host = new EngineHost(s_handlers, new TelemetryOptions { MaxItemsPerTrace = 0 }))
        {
            GranaryClient granary = await host.StartAsync();
            TaskOptions retry = new() { Retries = 1, Backoff = TimeSpan.Zero };
            using (SpanRecorder.App.StartActivity("request"))
            {
                await (await granary.StartBatchAsync<string>(
                [
                    Item.Task("same", "a"), Item.Task("same", "b"),
                    Item.Chain(Item.Task("once", "c", retry), Item.Task("same", "d"), Item.Task("same", "e")),
                ])).WhenAllAsync().Soon();
            }
        }
        Activity accept = _spans.Only("accept batch");
        Activity[] attempts = [.. _spans.Named("process same"), .. _spans.Named("process once")];
        Assert.All(attempts, span => span.IsLinkedTo(accept));
        Assert.All(attempts, span => Assert.NotEqual(accept.TraceId, span.TraceId));
        Activity[] tasks = [.. attempts.Where(span => span.Text("granary.task.path")!.Length == 1)];
        Assert.Equal(2, tasks.Select(span => span.TraceId).Distinct().Count());
        Assert.All(tasks, span => Assert.Equal(default, span.ParentSpanId));
        Activity begin = _spans.Named("process once").Single(span => span.Text("granary.attempt") == "1");
        Activity[] steps = [.. attempts.Except(tasks).Where(span => span != begin)];
        Assert.Equal(3, steps.Length);
        Assert.All(steps, span => span.IsUnder(begin));
    }

    [Fact]
    public async Task A_submission_that_nobody_listens_to_still_passes_its_trace_on()
    {
        _spans.Dispose();
        Activity request;
        JobId job;
        await using var host = new EngineHost(s_handlers);
        using (new SpanRecorder(granary: false))
        {
            GranaryClient granary = await host.StartAsync();
            using Activity current = request = SpanRecorder.App.StartActivity("request")!;
            current.TraceStateString = "vendor=value";
            job = (await granary.StartBatchAsync<string, string>("hang", ["a"])).Id;
            await host.RunsAsync(job, "0");
            await host.CrashAsync();
        }
        using var later = new SpanRecorder();
        await host.StartAsync();
        await host.RunsAsync(job, "0");
        await host.DisposeAsync();
        Activity recover = later.Only("recover batch");
        recover.IsUnder(request);
        Assert.Equal("vendor=value", recover.TraceStateString);
    }

    [Fact]
    public async Task The_callers_current_span_is_as_it_was()
    {
        await using var host = new EngineHost(s_handlers);
        GranaryClient granary = await host.StartAsync();
        using Activity? request = SpanRecorder.App.StartActivity("request");
        BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("hang", ["a", "b"]);
        await host.RunsAsync(batch.Id, "1");
        await batch.CancelAsync();
        await batch.WhenAllAsync().Soon();
        Assert.Same(request, Activity.Current);
    }
}
