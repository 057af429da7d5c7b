using Granary.Conformance.Stores;
using Granary.Stores;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Postgres.Tests.Stores;

/// <summary>What a server and a schema must be like, and what is said where they are not.</summary>
public sealed class OpeningTests
{
    [Fact]
    public async Task Many_processes_may_make_one_store_at_once()
    {
        string schema = PostgresServer.NewSchema();
        PostgresJobStore[] stores = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => Databases.OpenAsync(schema))));
        for (int i = 0; i < stores.Length; i++)
            Assert.Equal(WriteResult.Written, await stores[i].CommitAsync(New(i + 1)));
        Assert.Equal(8, (await stores[0].ListLiveAsync(default, 100, default)).Count);
        foreach (PostgresJobStore store in stores) await store.DisposeAsync();
    }

    [Fact]
    public async Task A_role_without_the_right_to_make_tables_is_enough_where_they_are()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await server.AskAsync($"CREATE ROLE {schema} LOGIN");
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => OpenAsAsync(server, schema));
        Assert.Equal(StoreFault.ReadOnly, error.Fault);
        Assert.Contains($"{schema} may not", error.Message, StringComparison.Ordinal);

        await (await Databases.OpenAsync(schema)).DisposeAsync();
        error = await Assert.ThrowsAsync<StoreException>(() => OpenAsAsync(server, schema));
        Assert.Equal(StoreFault.ReadOnly, error.Fault);
        Assert.Contains($"GRANT USAGE ON SCHEMA {schema} TO {schema}", error.Message, StringComparison.Ordinal);

        // As the message says it.
        string grants = error.Message[error.Message.IndexOf("GRANT", StringComparison.Ordinal)..];
        await server.AskAsync(grants[..(grants.LastIndexOf(';') + 1)]);
        await using PostgresJobStore store = await OpenAsAsync(server, schema);
        Assert.Equal(WriteResult.Written, await store.CommitAsync(New(7, key: "key", pages: 2)));
        await store.OwnAsync(default);
        await store.RemoveAllAsync(new JobId(7));
    }

    [Theory]
    [InlineData("fsync=off")]
    [InlineData("full_page_writes=off")]
    public async Task A_server_that_may_lose_commits_is_refused_unless_it_is_allowed(string setting)
    {
        await using PostgresServer server = await PostgresServer.LaunchAsync(setting);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => Databases.OpenAsync(server, "granary"));
        Assert.Contains($"Set {setting.Split('=')[0]} = on", error.Message, StringComparison.Ordinal);

        var log = new WarningLog();
        await using PostgresJobStore store = await Databases.OpenAsync(
            server, "granary", o => o with { AllowUnsafeDurability = true, Logger = log });
        Assert.Contains(log.Warnings, warning => warning.Contains(setting.Split('=')[0], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Commits_wait_for_the_disk_where_the_server_s_default_is_not_to()
    {
        await using PostgresServer server = await PostgresServer.LaunchAsync("synchronous_commit=off");
        await using PostgresJobStore store = await Databases.OpenAsync(server, "granary");
        (NpgsqlDataSource source, _, _) = PostgresOpening.Connect(
            new PostgresStoreOptions { ConnectionString = server.ConnectionString() });
        await using (source)
        {
            await using NpgsqlCommand command = source.CreateCommand("SHOW synchronous_commit");
            Assert.Equal("on", await command.ExecuteScalarAsync());
        }
    }

    [Theory]
    [InlineData("jobs")]
    [InlineData("store")]
    public async Task Another_program_s_tables_are_left_alone(string table)
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await server.AskAsync($"CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table} (id int)");
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => Databases.OpenAsync(schema));
        Assert.Equal(StoreFault.NotAStore, error.Fault);
        Assert.Equal(1L, await server.AskAsync(
            $"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'"));
    }

    [Fact]
    public async Task A_pool_that_is_set_smaller_is_kept_and_reads_wait_their_turn()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await using PostgresJobStore store = await OpenAsync(3);
        await store.CommitAsync(New(7));
        StoredJob?[] read = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(_ => store.LoadAsync(new JobId(7), default).AsTask()));
        Assert.All(read, Assert.NotNull);
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(2));
        Assert.Contains("set it to 3 or more", error.Message, StringComparison.Ordinal);

        Task<PostgresJobStore> OpenAsync(int size) => Databases.OpenAsync(
            schema, o => o with { ConnectionString = $"{server.ConnectionString()};Maximum Pool Size={size}" });
    }

    [Fact]
    public async Task A_newer_or_missing_or_read_only_store_is_told_apart()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        Assert.Equal(StoreFault.Missing, await FaultAsync(() => Databases.OpenAsync(schema, ReadOnly)));
        Assert.Equal(StoreFault.Missing,
            await FaultAsync(() => Databases.OpenAsync(schema, o => o with { Migrate = false })));
        await (await Databases.OpenAsync(schema)).DisposeAsync();
        await using (PostgresJobStore reader = await Databases.OpenAsync(schema, ReadOnly))
        {
            Assert.Equal(StoreFault.ReadOnly, await FaultAsync(() => reader.CommitAsync(New(7))));
            Assert.Equal(StoreFault.ReadOnly, await FaultAsync(() => reader.OwnAsync(default).AsTask()));
            Assert.Null(await reader.LoadAsync(new JobId(7), default));
        }
        await server.AskAsync($"UPDATE {schema}.store SET version = 1000");
        Assert.Equal(StoreFault.Newer, await FaultAsync(() => Databases.OpenAsync(schema)));
        Assert.Equal(StoreFault.Newer, await FaultAsync(() => Databases.OpenAsync(schema, ReadOnly)));
    }

    [Fact]
    public async Task What_is_wrong_with_the_way_there_is_said_without_the_password()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string there = $"Host={server.Host};Password=secret;";
        await CheckAsync(StoreFault.Missing, there + "Username=postgres;Database=nowhere");
        await CheckAsync(StoreFault.Missing, there + "Username=nobody_here;Database=postgres");
        await CheckAsync(StoreFault.Unavailable, "Host=/nowhere;Username=postgres;Password=secret");
        async Task CheckAsync(StoreFault fault, string connection)
        {
            StoreException error = await Assert.ThrowsAsync<StoreException>(
                () => PostgresJobStore.OpenAsync(new PostgresStoreOptions { ConnectionString = connection }));
            Assert.Equal(fault, error.Fault);
            Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_lost_row_is_found()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        await using PostgresJobStore store = await Databases.OpenAsync(schema);
        await store.CommitAsync([New(7, pages: 3), Next(7, record: 0), New(8, pages: 1)], default);
        Assert.Empty(await store.CheckAsync(default));
        await server.AskAsync($"DELETE FROM {schema}.pages WHERE job = 7 AND number = 1");
        await server.AskAsync($"DELETE FROM {schema}.jobs WHERE id = 8");
        IReadOnlyList<string> problems = await store.CheckAsync(default);
        Assert.Equal(2, problems.Count);
        Assert.Contains($"Job {new JobId(7)} has 2 of 3 pages.", problems);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Granary")]
    [InlineData("a b")]
    [InlineData("pg_jobs")]
    [InlineData("a\"; DROP TABLE jobs; --")]
    public async Task A_schema_s_name_that_needs_quotes_is_refused(string schema) =>
        await Assert.ThrowsAsync<ArgumentException>(() => PostgresJobStore.OpenAsync(
            new PostgresStoreOptions { ConnectionString = "Host=/nowhere", Schema = schema }));

    private static PostgresStoreOptions ReadOnly(PostgresStoreOptions options) => options with { ReadOnly = true };

    private static Task<PostgresJobStore> OpenAsAsync(PostgresServer server, string role) => Databases.OpenAsync(
        server, role, options => options with { ConnectionString = server.ConnectionString(role) });

    private static async Task<StoreFault> FaultAsync(Func<Task> action) =>
        (await Assert.ThrowsAsync<StoreException>(action)).Fault;

    private sealed class WarningLog : ILogger
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning) Warnings.Add(formatter(state, exception));
        }
    }
}
