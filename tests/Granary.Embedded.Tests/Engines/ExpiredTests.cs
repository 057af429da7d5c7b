using Granary.Embedded.Sqlite;
using Granary.Embedded.Tests.Stores;
using Xunit;
using ManualTime = Granary.Conformance.ManualTime;

namespace Granary.Embedded.Tests.Engines;

public sealed class ExpiredTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_expired_while_no_engine_ran_goes_at_the_next_start_without_waiting_for_a_tick()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        await using (EmbeddedEngine engine = await StartAsync(store))
        {
            // More pages than go in one transaction.
            BatchHandle<int> batch = await new GranaryClient(engine).StartBatchAsync<int, int>(
                "same", Enumerable.Range(0, 150_000),
                new() { MaxConcurrency = 64, Retention = TimeSpan.FromDays(1) });
            await foreach (TaskOutcome<int> _ in batch.WhenEachAsync()) { }
        }
        _time.Advance(TimeSpan.FromDays(2));
        await using EmbeddedEngine next = await StartAsync(store);
        while ((await store.ListExpiredAsync(_time.Now, 1, default)).Count > 0) await Task.Yield();
        Assert.Empty((await next.ListAsync(new())).Jobs);
        Assert.Empty(await store.CheckAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_job_that_is_retried_after_it_was_listed_as_expired_is_kept()
    {
        int calls = 0;
        var retried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        HandlerRegistry handlers = new HandlerRegistry().Handle<int, int>("second time", async (n, _) =>
        {
            if (Interlocked.Increment(ref calls) == 1) throw new InvalidOperationException("The first time");
            await retried.Task;
            return n;
        });
        await using var store = new GatedStore();
        await using EmbeddedEngine engine =
            await EmbeddedEngine.StartAsync(store, handlers, new EmbeddedOptions { Time = _time });
        BatchHandle<int> batch = await new GranaryClient(engine).StartBatchAsync<int, int>(
            "second time", [7], new() { Retention = TimeSpan.FromDays(1) });
        await batch.WhenAllAsync();

        var swept = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Listed = async jobs =>
        {
            if (jobs.Count > 0) await batch.RetryFailedAsync();
            else swept.TrySetResult();
        };
        _time.Advance(TimeSpan.FromDays(2));
        await swept.Task;
        retried.SetResult();
        Assert.Equal([7], await batch.ResultsAsync());
    }

    private Task<EmbeddedEngine> StartAsync(SqliteJobStore store) => EmbeddedEngine.StartAsync(
        store, new HandlerRegistry().Handle<int, int>("same", (n, _) => n), new EmbeddedOptions { Time = _time });
}
