using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Granary.Telemetry.Tests.Otlp;

/// <summary>What a collector is: a web server that takes OTLP in Protocol Buffers over HTTP.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly ConcurrentQueue<ReceivedPoint> _points = new();
    private readonly ConcurrentQueue<byte[]> _requests = new();

    private OtlpReceiver(WebApplication app) => _app = app;

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/traces", request => receiver.TakeAsync(request, receiver._spans, Received.Spans));
        app.MapPost("/v1/metrics", request => receiver.TakeAsync(request, receiver._points, Received.Points));
        await app.StartAsync();
        return receiver;
    }

    /// <summary>What OTEL_EXPORTER_OTLP_ENDPOINT is set to.</summary>
    public string Address => _app.Urls.Single();

    public Uri AddressOf(string signal) => new($"{Address}/v1/{signal}");

    /// <summary>Whether a text has come, wherever in a request.</summary>
    public bool HasReceived(string text) =>
        _requests.Any(request => request.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    /// <summary>What has come since the last time this was asked.</summary>
    public List<ReceivedPoint> TakePoints()
    {
        var points = new List<ReceivedPoint>();
        while (_points.TryDequeue(out ReceivedPoint? point)) points.Add(point);
        return points;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync<T>(
        HttpContext http, ConcurrentQueue<T> received, Func<byte[], IEnumerable<T>> read)
    {
        Assert.Equal("application/x-protobuf", http.Request.ContentType);
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        byte[] request = body.ToArray();
        _requests.Enqueue(request);
        foreach (T item in read(request)) received.Enqueue(item);
    }
}
