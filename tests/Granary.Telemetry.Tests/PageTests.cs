using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Granary.Telemetry.Tests;

/// <summary>docs/telemetry.md lists what there is, and nothing else.</summary>
public sealed partial class PageTests
{
    private static readonly string s_page =
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../docs/telemetry.md"));

    [Fact]
    public void Every_span_is_on_the_page() =>
        Assert.Equal(Constants(typeof(SpanNames)), Rows("Spans").Select(row => Words(row[0]).Single()).Order());

    [Fact]
    public void Every_attribute_is_on_the_page() =>
        Assert.Equal(Constants(typeof(Attributes)), Rows("Attributes").Select(row => Words(row[0]).Single()).Order());

    [Fact]
    public void Every_metric_is_on_the_page_with_its_instrument_and_unit()
    {
        var published = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == GranaryTelemetry.MeterName)
                published.Add($"{instrument.Name} {instrument.GetType().Name.Split('`')[0]} {instrument.Unit}");
        };
        RuntimeHelpers.RunClassConstructor(typeof(Instruments).TypeHandle);
        listener.Start();
        Assert.Equal(
            published.Order(),
            Rows("Metrics").Select(row => $"{Words(row[0]).Single()} {row[1]} {Words(row[2]).Single()}").Order());
    }

    [Fact]
    public async Task Every_span_and_metric_has_the_attributes_of_its_row()
    {
        Dictionary<string, string[]> spans =
            Rows("Spans").ToDictionary(row => Words(row[0]).Single().Split(' ')[0], row => Words(row[2]));
        Dictionary<string, string[]> metrics = Rows("Metrics").ToDictionary(
            row => Words(row[0]).Single(), row => Words(row[3]));
        var measured = new ConcurrentQueue<(string Name, string[] Attributes)>();
        using var recorder = new SpanRecorder();
        using (MeterListener listener = Measure(measured)) await RunEverythingAsync();

        Assert.Equal(spans.Keys.Order(), recorder.All.Select(s => s.OperationName.Split(' ')[0]).Distinct().Order());
        foreach (IGrouping<string, Activity> span in recorder.All.GroupBy(s => s.OperationName.Split(' ')[0]))
        {
            IEnumerable<string> its = span.SelectMany(s => s.TagObjects.Select(tag => tag.Key)).Distinct();
            Assert.Equal(spans[span.Key].Order(), its.Order());
        }
        Assert.NotEmpty(measured);
        Assert.All(measured, m => Assert.Equal(metrics[m.Name], m.Attributes));
    }

    // Every kind of span, with every attribute that it can have.
    private static async Task RunEverythingAsync()
    {
        HandlerRegistry handlers = new HandlerRegistry()
            .Handle<string, string>("same", (text, _) => Task.FromResult(text))
            .Handle<string, string>("hang", async (text, _) =>
            {
                await Task.Delay(Timeout.Infinite);
                return text;
            });
        await using var host = new EngineHost(handlers, new TelemetryOptions { MaxContentLength = 10 });
        GranaryClient granary = await host.StartAsync();
        TaskOptions brief = new() { Timeout = TimeSpan.FromMilliseconds(1), CancelGrace = TimeSpan.Zero };
        BatchOptions keyed = new() { Key = "k" };
        for (int i = 0; i < 2; i++) await granary.StartBatchAsync<string>([Item.Task("same", "a")], keyed);
        await Assert.ThrowsAsync<RefusedException>(
            () => granary.StartBatchAsync<string>([Item.Task("same", "b")], keyed));
        await (await granary.StartChainAsync<string>(Item.Chain(Item.Task("hang", "a", brief)))).OutcomeAsync().Soon();
        BatchHandle<string> lost = await granary.StartBatchAsync<string>(
            [Item.Task("hang", "a", new TaskOptions { CancelGrace = TimeSpan.Zero })]);
        await host.RunsAsync(lost.Id, "0");
        await host.CrashAsync();
        await host.StartAsync();
        await host.RunsAsync(lost.Id, "0");
    }

    private static MeterListener Measure(ConcurrentQueue<(string Name, string[] Attributes)> measured)
    {
        void Keep<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            var keys = new List<string>();
            foreach ((string key, _) in tags) keys.Add(key);
            measured.Enqueue((instrument.Name, [.. keys]));
        }

        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == GranaryTelemetry.MeterName) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>(Keep);
        listener.SetMeasurementEventCallback<long>(Keep);
        listener.SetMeasurementEventCallback<double>(Keep);
        listener.Start();
        return listener;
    }

    private static IEnumerable<string> Constants(Type names) =>
        names.GetFields(BindingFlags.Static | BindingFlags.Public).Select(f => (string)f.GetValue(null)!).Order();

    // The rows of the table under a heading, without its head, as cells.
    private static List<string[]> Rows(string heading)
    {
        string section = s_page.Split($"\n## {heading}\n")[1].Split("\n## ")[0];
        return
        [
            .. section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
                .Select(line => line.Split('|', StringSplitOptions.TrimEntries)[1..^1]),
        ];
    }

    private static string[] Words(string cell) => [.. Code().Matches(cell).Select(m => m.Groups[1].Value)];

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
