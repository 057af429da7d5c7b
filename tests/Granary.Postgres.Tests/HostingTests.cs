using Granary.Conformance.Stores;
using Granary.Engines;
using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Granary.Postgres.Tests;

/// <summary>An embedded engine in a host, on PostgreSQL.</summary>
public sealed class HostingTests
{
    [Fact]
    public async Task A_host_runs_the_embedded_engine_on_the_store_that_was_chosen_beside_it()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await using ServiceProvider services = Services(g => g
            .UseEmbedded()
            .UsePostgres(server.ConnectionString(), options => options with { Schema = schema })
            .Handle<int, int>("add", (n, _) => Task.FromResult(n + 1)));
        IHostedService host = services.GetServices<IHostedService>().Single();
        await host.StartAsync(default);
        GranaryClient granary = new(services.GetRequiredService<IJobEngine>());
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("add", [1, 2, 3]);
        Assert.Equal([2, 3, 4], await batch.ResultsAsync());
        await host.StopAsync(default);
    }

    [Fact]
    public async Task An_engine_without_a_store_says_what_to_choose()
    {
        await using ServiceProvider services = Services(g => g.UseEmbedded());
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => services.GetServices<IHostedService>().Single().StartAsync(default));
        Assert.Contains("UsePostgres", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_embedded_engines_on_one_schema_the_second_is_told_who_has_it()
    {
        string schema = PostgresServer.NewSchema();
        await using PostgresJobStore first = await Databases.OpenAsync(schema);
        await first.OwnAsync(default);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => Databases.OpenAsync(schema));
        Assert.Equal(StoreFault.Owned, error.Fault);
        Assert.Contains($"in use by process {Environment.ProcessId} (", error.Message, StringComparison.Ordinal);

        await using PostgresJobStore reader = await Databases.OpenAsync(schema, o => o with { ReadOnly = true });
        Assert.Contains($"process {Environment.ProcessId}", await reader.FindWriterAsync(default),
            StringComparison.Ordinal);
        await first.DisposeAsync();
        Assert.Null(await reader.FindWriterAsync(default));
        await using PostgresJobStore second = await Databases.OpenAsync(schema);
        await second.OwnAsync(default);
    }

    [Fact]
    public async Task Processes_of_a_cluster_share_a_store_and_keep_an_embedded_engine_off_it()
    {
        string schema = PostgresServer.NewSchema();
        await using PostgresJobStore first = await Databases.OpenAsync(schema);
        await using PostgresJobStore second = await Databases.OpenAsync(schema);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => second.OwnAsync(default).AsTask());
        Assert.Equal(StoreFault.Owned, error.Fault);
        Assert.Contains("must be the only one", error.Message, StringComparison.Ordinal);
        Assert.Null(await first.FindAsync("key", default));
    }

    [Fact]
    public async Task Who_gave_up_owning_a_store_still_keeps_an_embedded_engine_off_it()
    {
        string schema = PostgresServer.NewSchema();
        await using PostgresJobStore store = await Databases.OpenAsync(schema);
        await using (PostgresJobStore other = await Databases.OpenAsync(schema))
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.OwnAsync(patience.Token).AsTask());
        }
        Assert.Equal(WriteResult.Written, await store.CommitAsync(Writes.New(7)));
        await using PostgresJobStore engine = await Databases.OpenAsync(schema);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => engine.OwnAsync(default).AsTask());
        Assert.Equal(StoreFault.Owned, error.Fault);
    }

    private static ServiceProvider Services(Action<GranaryBuilder> configure)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        return services.AddGranary(configure).BuildServiceProvider();
    }
}
