using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Granary.Telemetry.Tests.Otlp;

/// <summary>What a collector is sent by the OpenTelemetry SDK with its OTLP exporter, decoded from the wire.</summary>
public sealed class OtlpTests : IAsyncLifetime
{
    private static readonly ActivitySource s_app = new("App");

    private readonly MemoryJobStore _store = new();
    private OtlpReceiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await OtlpReceiver.StartAsync();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task A_trace_runs_from_the_request_to_the_handlers_own_spans_and_goes_on_after_a_crash()
    {
        using (TracerProvider tracing = Sdk.CreateTracerProviderBuilder()
            .AddSource(GranaryTelemetry.SourceName, s_app.Name)
            .AddOtlpExporter(otlp => Send(otlp, "traces"))
            .Build())
        {
            EmbeddedEngine engine = await EmbeddedEngine.StartAsync(_store, Handlers(hangAt: "b"));
            BatchHandle<string> batch;
            using (s_app.StartActivity("request"))
                batch = await new GranaryClient(engine).StartBatchAsync<string, string>("fetch", ["a", "b"]);
            await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).CompletionCount == 1);
            await AttemptRunsAsync(engine, batch.Id, "1");
            await engine.CrashAsync();

            await using (engine = await EmbeddedEngine.StartAsync(_store, Handlers(hangAt: "")))
                await new GranaryClient(engine).GetBatch<string>(batch.Id).ResultsAsync().Soon();
            Assert.True(tracing.ForceFlush(20_000));
        }

        ReceivedSpan request = Only("request"), submit = Only("submit batch"), accept = Only("accept batch");
        ReceivedSpan first = Attempt("0", 1), second = Attempt("1", 2), recover = Only("recover batch");
        Assert.Equal("", request.Parent);
        AssertUnder(request, submit, ActivityKind.Producer);
        AssertUnder(submit, accept, ActivityKind.Internal);
        AssertUnder(accept, first, ActivityKind.Consumer);
        AssertUnder(first, Download(first), ActivityKind.Internal);
        AssertUnder(accept, recover, ActivityKind.Internal);
        AssertUnder(recover, second, ActivityKind.Consumer);
        AssertUnder(second, Download(second), ActivityKind.Internal);
        AssertUnder(accept, Only("run batch"), ActivityKind.Internal);

        Assert.Empty(first.Links);
        Assert.Equal((accept.Trace, accept.Id), Assert.Single(recover.Links));
        Assert.Equal((accept.Trace, accept.Id), Assert.Single(second.Links));
        Assert.Equal("1", recover.Attributes["granary.job.running"]);
        Assert.Equal("Succeeded", Only("run batch").Attributes["granary.state"]);
        Assert.All(_receiver.Spans.Where(s => s.Scope != s_app.Name), AssertOurs);
    }

    [Fact]
    public async Task Metrics_arrive_with_their_names_units_and_values()
    {
        using MeterProvider metrics = Sdk.CreateMeterProviderBuilder()
            .AddMeter(GranaryTelemetry.MeterName)
            .AddOtlpExporter((otlp, reader) =>
            {
                Send(otlp, "metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = int.MaxValue;
            })
            .Build();
        EmbeddedEngine engine = await EmbeddedEngine.StartAsync(_store, Handlers(hangAt: "b"));
        BatchHandle<string> batch = await new GranaryClient(engine).StartBatchAsync<string>(
            [Fetch("a"), Item.Task("fail", new TaskOptions { Retries = 1 }), Fetch("b"), Fetch("c"), Fetch("d")],
            new() { MaxConcurrency = 1 });
        ChainHandle<string> chain = await new GranaryClient(engine).StartChainAsync<string>(
            Item.Chain(Item.Wait(TimeSpan.FromDays(1)), Fetch("e")));
        await AttemptRunsAsync(engine, batch.Id, "2");
        Dictionary<string, ReceivedPoint> held = Take(metrics);
        Assert.Equal((3, "{task}"), (held["granary.tasks.queued"].Value, held["granary.tasks.queued"].Unit));
        Assert.Equal((1, "{task}"), (held["granary.tasks.running"].Value, held["granary.tasks.running"].Unit));
        Assert.Equal((1, "{task}"), (held["granary.tasks.waiting"].Value, held["granary.tasks.waiting"].Unit));
        await engine.CrashAsync();

        await using (engine = await EmbeddedEngine.StartAsync(_store, Handlers(hangAt: "")))
        {
            await new GranaryClient(engine).GetBatch<string>(batch.Id).WhenAllAsync().Soon();
            await new GranaryClient(engine).GetChain<string>(chain.Id).CancelAsync().Soon();
        }
        Dictionary<string, ReceivedPoint> ended = Take(metrics);
        Assert.Equal(0, ended["granary.tasks.queued"].Value);
        Assert.Equal(0, ended["granary.tasks.running"].Value);
        Assert.Equal(0, ended["granary.tasks.waiting"].Value);
        AssertSum(ended, "granary.tasks.completed{Succeeded}", "{task}", 4);
        AssertSum(ended, "granary.tasks.completed{Failed}", "{task}", 1);
        AssertSum(ended, "granary.tasks.completed{Canceled}", "{task}", 2);
        AssertSum(ended, "granary.attempts.retried{fail}", "{attempt}", 1);
        AssertSum(ended, "granary.attempts.lost", "{attempt}", 1);
        AssertSum(ended, "granary.recoveries", "{job}", 2);
        AssertHistogram(ended, "granary.attempt.duration{Succeeded,fetch}", "s", 4);
        AssertHistogram(ended, "granary.attempt.duration{Failed,fail}", "s", 2);
        AssertHistogram(ended, "granary.queue.wait{fetch}", "s", 4);
        Assert.True(ended["granary.commit.size"] is { Unit: "{write}", Count: > 3, Value: > 3 });
        Assert.True(ended["granary.commit.duration"] is { Unit: "s", Count: > 3, Value: > 0 });
    }

    [Fact]
    public async Task The_command_sends_to_the_collector_that_its_environment_names()
    {
        // Where it was built: beside this web server it would lack what ASP.NET brings along.
        string program = Path.Combine(AppContext.BaseDirectory, "granary.dll").Replace(
            Path.Combine("tests", "Granary.Telemetry.Tests"), Path.Combine("client", "Granary.Cli"),
            StringComparison.Ordinal);
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", program, "run", "--db", ":memory:", "--from", "-", "--exec", "true"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = _receiver.Address;
        start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        using Process command = Process.Start(start)!;
        await command.StandardInput.WriteAsync("a\nb\n");
        command.StandardInput.Close();
        string said = await command.StandardError.ReadToEndAsync() + await command.StandardOutput.ReadToEndAsync();
        await command.WaitForExitAsync();
        Assert.True(command.ExitCode == 0, said);

        ReceivedSpan accept = Only("accept batch");
        ReceivedSpan[] attempts = [.. _receiver.Spans.Where(span => span.Name == "process exec")];
        Assert.Equal(2, attempts.Length);
        Assert.All(attempts, attempt => AssertUnder(accept, attempt, ActivityKind.Consumer));
        Assert.Contains(_receiver.TakePoints(), p => p is { Name: "granary.tasks.completed", Value: 2 });
    }

    private static TaskItem Fetch(string page) => Item.Task("fetch", page);

    private static HandlerRegistry Handlers(string hangAt) => new HandlerRegistry()
        .Handle<string, string>("fetch", async (page, _) =>
        {
            using Activity? download = s_app.StartActivity("download");
            await Task.Yield();
            if (page == hangAt) await Task.Delay(Timeout.Infinite);
            return page;
        })
        .Handle<string, string>("fail", string (_, task) => throw new TaskFailedException("No.")
        {
            Retryable = task.Attempt == 1,
            RetryAfter = TimeSpan.Zero,
        });

    private static Task AttemptRunsAsync(EmbeddedEngine engine, JobId job, string path) => SoonExtensions.Eventually(
        async () => (await engine.ListPendingAsync(job, -1, 100))
            .Any(task => task.Path == path && task.State == JobState.Running),
        $"an attempt of {path} runs");

    private void Send(OtlpExporterOptions otlp, string signal)
    {
        otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
        otlp.Endpoint = _receiver.AddressOf(signal);
    }

    private ReceivedSpan Only(string name) => Assert.Single(_receiver.Spans, span => span.Name == name);

    private ReceivedSpan Attempt(string path, int attempt) => Assert.Single(
        _receiver.Spans,
        span => span.Name == "process fetch" && span.Attributes["granary.task.path"] == path
            && span.Attributes["granary.attempt"] == $"{attempt}");

    private ReceivedSpan Download(ReceivedSpan attempt) =>
        Assert.Single(_receiver.Spans, span => span.Name == "download" && span.Parent == attempt.Id);

    private static void AssertUnder(ReceivedSpan parent, ReceivedSpan span, ActivityKind kind)
    {
        Assert.Equal((parent.Trace, parent.Id), (span.Trace, span.Parent));
        Assert.Equal(kind, span.Kind);
        Assert.True(span.End >= span.Start, $"{span.Name} ends before it starts.");
    }

    private static void AssertOurs(ReceivedSpan span)
    {
        Assert.Equal((GranaryTelemetry.SourceName, GranaryTelemetry.Version), (span.Scope, span.ScopeVersion));
        Assert.Equal(13, span.Attributes["granary.job.id"].Length);
    }

    // By name and the values of the attributes, in the order of their names' ends.
    private Dictionary<string, ReceivedPoint> Take(MeterProvider metrics)
    {
        Assert.True(metrics.ForceFlush(20_000));
        return _receiver.TakePoints().ToDictionary(point => point.Attributes.Count == 0
            ? point.Name
            : $"{point.Name}{{{string.Join(',', point.Attributes.Values.Order(StringComparer.Ordinal))}}}");
    }

    private static void AssertSum(Dictionary<string, ReceivedPoint> points, string key, string unit, double value) =>
        Assert.Equal((unit, value), (points[key].Unit, points[key].Value));

    private static void AssertHistogram(
        Dictionary<string, ReceivedPoint> points, string key, string unit, long count)
    {
        Assert.Equal((unit, count), (points[key].Unit, points[key].Count));
        Assert.True(points[key].Value >= 0);
    }
}
