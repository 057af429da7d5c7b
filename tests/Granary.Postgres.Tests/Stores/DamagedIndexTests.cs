using Granary.Conformance.Stores;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Postgres.Tests.Stores;

/// <summary>Indexes that say something else than their rows: PostgreSQL believes them, and the store does
/// not.</summary>
public sealed class DamagedIndexTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly string _schema = PostgresServer.NewSchema();
    private PostgresServer _server = null!;
    private PostgresJobStore _store = null!;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        // Small tables would be read without their indexes.
        string settings = "Options=-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off";
        _store = await Databases.OpenAsync(
            _server, _schema, o => o with { ConnectionString = $"{o.ConnectionString};{settings}" });
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Another_job_than_the_one_with_the_key_is_not_taken_for_it()
    {
        await _store.CommitAsync(New(7, key: "mine"));
        await ChangeRowsAloneAsync("key = 'other'");
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => _store.FindAsync("mine", default).AsTask());
        Assert.Equal(StoreFault.Corrupt, error.Fault);
        Assert.Contains("REINDEX", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_is_live_is_not_removed_as_a_staged_one()
    {
        await _store.CommitAsync([New(7, phase: JobPhase.Staged), New(8, phase: JobPhase.Staged)], default);
        await ChangeRowsAloneAsync("phase = 2", "id = 7");
        Assert.Equal([new JobId(8)], await _store.ListStagedAsync(Noon, 10, default));
    }

    [Fact]
    public async Task A_job_that_is_to_be_kept_is_not_removed_as_an_expired_one()
    {
        await _store.CommitAsync([New(7), New(8), End(7, Noon), End(8, Noon)], default);
        await ChangeRowsAloneAsync($"expires = {Noon.AddDays(1).ToUnixTimeMilliseconds()}", "id = 7");
        Assert.Equal([new JobId(8)], await _store.ListExpiredAsync(Noon, 10, default));
    }

    // As long as its indexes are not live, a row is changed in place and they are not told.
    private async Task ChangeRowsAloneAsync(string change, string where = "true")
    {
        await SetLiveAsync(false);
        await _server.AskAsync($"UPDATE {_schema}.jobs SET {change} WHERE {where}");
        await SetLiveAsync(true);
    }

    private async Task SetLiveAsync(bool isLive) => await _server.AskAsync(
        $"UPDATE pg_index SET indislive = {isLive} WHERE indrelid = '{_schema}.jobs'::regclass");
}
