using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Grains.Tests.Engines;
using Granary.Hosting;
using Granary.Stores;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Grains.Tests.Telemetry;

/// <summary>A trace follows a submission from the client over the silos into each handler.</summary>
public sealed class TracesAcrossSilosTests
{
    [Fact]
    public async Task Attempts_and_what_their_handlers_start_belong_to_the_submission()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Granary" or "Handler",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var handlers = new ActivitySource("Handler");
        await using InProcessTestCluster cluster = await ClusterAsync(handlers);
        var granary = new GranaryClient(new ClusterEngine(cluster.Client));

        BatchHandle<string> batch = await granary.StartBatchAsync<int, string>(
            "work", Enumerable.Range(0, 40), new() { MaxConcurrency = 8 });
        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync();

        // Of other tests that run at the same time, nothing.
        Activity submit = Assert.Single(spans, span =>
            span.Kind == ActivityKind.Producer && (string?)span.GetTagItem("granary.job.id") == batch.Id.ToString());
        Activity[] trace = [.. spans.Where(span => span.TraceId == submit.TraceId)];
        Activity[] attempts = [.. trace.Where(span => span.DisplayName == "process work")];
        Assert.Equal(40, attempts.Length);
        Assert.Equal(40, attempts.Select(span => span.GetTagItem("granary.task.path")).Distinct().Count());
        Activity[] inner = [.. trace.Where(span => span.Source.Name == "Handler")];
        Assert.Equal(
            attempts.Select(span => span.SpanId.ToString()).Order(),
            inner.Select(span => span.ParentSpanId.ToString()).Order());
        // They ran on both silos, whose names the handlers returned.
        Assert.Equal(2, all.Select(outcome => outcome.Value).Distinct().Count());
    }

    private static Task<InProcessTestCluster> ClusterAsync(ActivitySource source) => TestSilos.StartAsync(
        2, new BorrowedStore(new MemoryJobStore()), (granary, silo) => granary.UseCluster().Handle<int, string>(
            "work", async (_, _) =>
            {
                using Activity? span = source.StartActivity("inner");
                await Task.Delay(20);
                return silo;
            }));
}
