using System.Diagnostics;
using Granary.Telemetry.Tests.Otlp;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace Granary.Silo.Tests;

/// <summary>What a collector is sent by a silo and its client, each a process of its own.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private const string Secret = "an-argument-and-a-result";

    private OtlpReceiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await OtlpReceiver.StartAsync();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task A_trace_runs_from_the_client_over_the_silo_to_the_handlers_own_spans_and_metrics_arrive()
    {
        if (OperatingSystem.IsWindows()) return;
        using var gate = new Gate();
        gate.Open();
        string job = await RunAsync(gate);

        ReceivedSpan submit = Assert.Single(_receiver.Spans, span =>
            span.Name == "submit batch" && span.Attributes["granary.job.id"] == job);
        ReceivedSpan accept = Under(submit, "accept batch"), web = Under(accept, "process http");
        Assert.Equal("0", web.Attributes["granary.task.path"]);
        Assert.Equal("1", Under(accept, "process echo").Attributes["granary.task.path"]);
        Assert.Equal("Succeeded", Under(accept, "run batch").Attributes["granary.state"]);
        // What the handler does of its own: a request.
        ReceivedSpan get = Assert.Single(_receiver.Spans, span => span.Parent == web.Id);
        Assert.Equal((submit.Trace, "System.Net.Http", ActivityKind.Client), (get.Trace, get.Scope, get.Kind));

        List<ReceivedPoint> points = _receiver.TakePoints();
        Assert.Contains(points, point => point is { Name: "granary.tasks.completed", Value: 2 }
            && point.Attributes["granary.state"] == "Succeeded");
        Assert.Contains(points, point => point is { Name: "granary.attempt.duration", Count: 1 }
            && point.Attributes["granary.handler"] == "http");
        Assert.Contains(points, point => point.Name.StartsWith("orleans-", StringComparison.Ordinal));

        Assert.True(_receiver.HasReceived("process echo"));
        Assert.False(_receiver.HasReceived(Secret));
    }

    // Both have sent what they have when they have ended.
    private async Task<string> RunAsync(Gate gate)
    {
        await using SiloProcess silo = await SiloProcess.StartAsync(
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={_receiver.Address}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "--Granary:BuiltIns=http, echo", "--Granary:TraceSources=System.Net.Http");
        await using ClusterClient client = await ClusterClient.ConnectAsync(silo.Ports.Gateway);
        using TracerProvider tracing = Sdk.CreateTracerProviderBuilder()
            .AddSource(GranaryTelemetry.SourceName)
            .AddOtlpExporter(otlp =>
                (otlp.Protocol, otlp.Endpoint) = (OtlpExportProtocol.HttpProtobuf, _receiver.AddressOf("traces")))
            .Build();
        BatchHandle<object> batch = await client.Granary.StartBatchAsync<object>(
            [Item.Task("http", new { url = gate.Address }), Item.Task("echo", Secret)]);
        Assert.All(await batch.WhenAllAsync(), outcome => Assert.Equal(JobState.Succeeded, outcome.State));
        Assert.True(tracing.ForceFlush(60_000));
        await silo.TerminateAsync();
        Assert.Equal(0, await silo.ExitAsync());
        return batch.Id.ToString();
    }

    private ReceivedSpan Under(ReceivedSpan parent, string name) => Assert.Single(
        _receiver.Spans, span => span.Name == name && span.Trace == parent.Trace && span.Parent == parent.Id);
}
