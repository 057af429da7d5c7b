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

    private Task<EmbeddedEngine> StartAsync(SqliteJobStore store) => EmbeddedEngine.StartAsync(
        store, new HandlerRegistry().Handle<int, int>("same", (n, _) => n), new EmbeddedOptions { Time = _time });
}
