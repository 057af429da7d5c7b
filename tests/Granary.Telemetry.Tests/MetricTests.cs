using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Granary.Telemetry.Tests;

/// <summary>What the meter measures, and when.</summary>
public sealed class MetricTests : IDisposable
{
    private readonly ConcurrentQueue<(string Name, double Value, string Tags)> _measured = new();
    private readonly MeterListener _listener = new();

    public MetricTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == GranaryTelemetry.MeterName) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Keep(i, value, tags));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Keep(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Keep(i, value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Tasks_that_end_by_a_cancel_are_completed_without_an_attempt()
    {
        await using (var host = new EngineHost(Handlers()))
        {
            GranaryClient granary = await host.StartAsync();
            BatchHandle<string> batch = await granary.StartBatchAsync<string, string>(
                "hang", Enumerable.Range(0, 1_000).Select(i => $"{i}"), new() { MaxConcurrency = 1 });
            await host.RunsAsync(batch.Id, "0");
            await batch.CancelAsync();
            await batch.WhenAllAsync().Soon();
        }
        Assert.Equal(1_000, Sum("granary.tasks.completed", "granary.state=Canceled"));
        Assert.Equal(1, Count("granary.attempt.duration", "granary.handler=hang granary.attempt.end=Stopped"));
        Assert.Equal(1, Count("granary.queue.wait", "granary.handler=hang"));
    }

    [Fact]
    public async Task A_retry_by_hand_counts_new_outcomes_and_takes_none_back()
    {
        bool works = false;
        HandlerRegistry handlers = new HandlerRegistry().Handle<string, string>(
            "try", (text, _) => works ? Task.FromResult(text) : throw new InvalidOperationException());
        await using (var host = new EngineHost(handlers))
        {
            GranaryClient granary = await host.StartAsync();
            BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("try", ["a", "b"]);
            await batch.WhenAllAsync().Soon();
            works = true;
            await batch.RetryFailedAsync().Soon();
            await batch.ResultsAsync().Soon();
        }
        Assert.Equal(2, Sum("granary.tasks.completed", "granary.state=Failed"));
        Assert.Equal(2, Sum("granary.tasks.completed", "granary.state=Succeeded"));
    }

    [Fact]
    public async Task A_task_in_the_pause_before_its_retry_is_waiting_and_not_queued()
    {
        TaskOptions retry = new() { Retries = 1, Backoff = TimeSpan.FromDays(1), MaxBackoff = TimeSpan.FromDays(1) };
        await using var host = new EngineHost(Handlers());
        GranaryClient granary = await host.StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Item.Task("fail", "x", retry)]);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Waiting == 1);
        Assert.Equal(1, Sum("granary.attempts.retried", "granary.handler=fail"));
        Assert.Equal(1, Observed("granary.tasks.waiting"));
        Assert.Equal(0, Observed("granary.tasks.queued"));
        await batch.CancelAsync();
        await batch.WhenAllAsync().Soon();
        await host.DisposeAsync();
        Assert.Equal(0, Observed("granary.tasks.waiting"));
    }

    [Fact]
    public async Task A_write_of_a_holder_that_has_lost_its_job_is_counted()
    {
        await using var host = new EngineHost(Handlers());
        GranaryClient granary = await host.StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("hang", ["a"]);
        await host.RunsAsync(batch.Id, "0");
        // Somebody else takes the job over.
        await host.Store.AcquireAsync(batch.Id, CancellationToken.None);
        await SoonExtensions.Eventually(() => IsPausedAsync(batch));
        Assert.Equal(1, Sum("granary.writes.fenced", ""));
        Assert.Equal(1, Sum("granary.recoveries", ""));
        Assert.Equal(1, Sum("granary.attempts.lost", ""));
    }

    [Fact]
    public async Task Jobs_that_are_dropped_with_their_engine_are_not_counted()
    {
        var host = new EngineHost(Handlers());
        GranaryClient granary = await host.StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string, string>("hang", ["a", "b", "c"]);
        await host.RunsAsync(batch.Id, "1");
        Assert.Equal(2, Observed("granary.tasks.running"));
        await host.CrashAsync();
        Assert.Equal(0, Observed("granary.tasks.running"));
        Assert.Equal(0, Observed("granary.tasks.queued"));
    }

    private static async Task<bool> IsPausedAsync(JobHandle batch)
    {
        try
        {
            await batch.PauseAsync();
            return true;
        }
        catch (StoreException e) when (e.Fault == StoreFault.Owned)
        {
            // The holder that has lost the job may still be the one that is asked.
            return false;
        }
    }

    private static HandlerRegistry Handlers() => new HandlerRegistry()
        .Handle<string, string>("fail", string (text, _) => throw new InvalidOperationException(text))
        .Handle<string, string>("hang", async (text, task) =>
        {
            await Task.Delay(Timeout.Infinite, task.CancellationToken);
            return text;
        });

    private double Observed(string name)
    {
        while (_measured.TryDequeue(out _)) { }
        _listener.RecordObservableInstruments();
        return Assert.Single(_measured, m => m.Name == name).Value;
    }

    private double Sum(string name, string tags) =>
        _measured.Where(m => m.Name == name && m.Tags == tags).Sum(m => m.Value);

    private int Count(string name, string tags) => _measured.Count(m => m.Name == name && m.Tags == tags);

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var texts = new List<string>();
        foreach ((string key, object? tag) in tags) texts.Add($"{key}={tag}");
        _measured.Enqueue((instrument.Name, value, string.Join(' ', texts)));
    }
}
