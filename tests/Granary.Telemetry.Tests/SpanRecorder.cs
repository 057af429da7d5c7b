using System.Collections.Concurrent;

namespace Granary.Telemetry.Tests;

/// <summary>Hears the spans of Granary and of <see cref="App"/>, and keeps those that have ended.</summary>
internal sealed class SpanRecorder : IDisposable
{
    /// <summary>The source of a program that uses Granary.</summary>
    public static readonly ActivitySource App = new("App");

    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    /// <param name="granary">Whether Granary's own spans are listened to.</param>
    public SpanRecorder(bool granary = true)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "App" || (granary && source.Name == GranaryTelemetry.SourceName),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public IReadOnlyList<Activity> All => [.. _ended];

    public Activity Only(string name) => Assert.Single(Named(name));

    public Activity[] Named(string name) => [.. _ended.Where(span => span.OperationName == name)];

    public void Dispose() => _listener.Dispose();
}

/// <summary>Looks at spans.</summary>
internal static class SpanExtensions
{
    public static string? Text(this Activity span, string attribute) => span.GetTagItem(attribute)?.ToString();

    public static void IsUnder(this Activity span, Activity parent) =>
        Assert.Equal((parent.TraceId, parent.SpanId), (span.TraceId, span.ParentSpanId));

    public static void IsLinkedTo(this Activity span, Activity other) => Assert.Equal(
        (other.TraceId, other.SpanId), (Assert.Single(span.Links).Context.TraceId, span.Links.Single().Context.SpanId));

    public static void Failed(this Activity span, string type)
    {
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal(type, span.Text("error.type"));
    }
}
