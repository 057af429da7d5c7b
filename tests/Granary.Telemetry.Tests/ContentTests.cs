using System.Diagnostics.Metrics;

namespace Granary.Telemetry.Tests;

/// <summary>Arguments, results and the messages of errors stay out of telemetry until they are asked for.</summary>
public sealed class ContentTests
{
    private const string Secret = "secret";

    [Fact]
    public async Task Arguments_results_and_messages_never_appear()
    {
        IReadOnlyList<string> texts = await RunAsync(new TelemetryOptions());
        Assert.Contains("granary.task.path", texts);
        Assert.DoesNotContain(texts, text => text.Contains(Secret, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Switched_on_they_appear_up_to_their_bound()
    {
        IReadOnlyList<string> texts = await RunAsync(new TelemetryOptions { MaxContentLength = 20 });
        string[] content = [.. texts.Where(text => text.Contains(Secret, StringComparison.Ordinal))];
        Assert.Contains("\"secret arguments of", content);
        Assert.Contains("\"secret result of a ", content);
        Assert.Contains("secret message of an", content);
        Assert.All(content, text => Assert.InRange(text.Length, 1, 20));
    }

    [Theory]
    [InlineData(-1, 0, "MaxItemsPerTrace")]
    [InlineData(0, -1, "MaxContentLength")]
    [InlineData(0, 65_537, "MaxContentLength")]
    public async Task An_option_out_of_its_range_is_named(int items, int content, string name)
    {
        TelemetryOptions options = new() { MaxItemsPerTrace = items, MaxContentLength = content };
        await using var host = new EngineHost(new HandlerRegistry(), options);
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync());
        Assert.Equal(name, refused.ParamName);
    }

    // Every text of every span and measurement of a run with secrets in it everywhere.
    private static async Task<IReadOnlyList<string>> RunAsync(TelemetryOptions options)
    {
        var texts = new List<string>();
        using var spans = new SpanRecorder();
        using var meter = new MeterListener();
        meter.InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        meter.SetMeasurementEventCallback<long>((_, _, tags, _) => Add(texts, tags));
        meter.SetMeasurementEventCallback<double>((_, _, tags, _) => Add(texts, tags));
        meter.Start();
        HandlerRegistry handlers = new HandlerRegistry()
            .Handle<string, string>("good", (_, _) => Task.FromResult($"{Secret} result of a task that is long"))
            .Handle<string, string>(
                "bad", string (_, _) => throw new InvalidOperationException($"{Secret} message of an error"));
        await using (var host = new EngineHost(handlers, options))
        {
            GranaryClient granary = await host.StartAsync();
            string args = $"{Secret} arguments of a task that is long";
            BatchOptions keyed = new() { Key = "k", Name = $"{Secret} name" };
            await (await granary.StartBatchAsync<string>(
                [Item.Task("good", args), Item.Task("bad", args)], keyed)).WhenAllAsync().Soon();
            await Assert.ThrowsAsync<RefusedException>(
                () => granary.StartBatchAsync<string>([Item.Task("good", args + "!"), Item.Task("bad", args)], keyed));
        }
        foreach (Activity span in spans.All)
        {
            texts.AddRange([span.DisplayName, span.OperationName, span.StatusDescription ?? ""]);
            texts.AddRange(span.TagObjects.SelectMany(tag => new[] { tag.Key, tag.Value?.ToString() ?? "" }));
            texts.AddRange(span.Baggage.Select(pair => $"{pair.Key}={pair.Value}"));
            Assert.Empty(span.Events);
        }
        return texts;
    }

    private static void Add(List<string> texts, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (texts)
        {
            foreach ((string key, object? value) in tags) texts.AddRange([key, value?.ToString() ?? ""]);
        }
    }
}
