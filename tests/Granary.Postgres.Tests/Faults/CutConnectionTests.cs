using Granary.Conformance.Stores;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Postgres.Tests.Faults;

/// <summary>The connection is lost around a commit: what was written is written once, and said so.</summary>
public sealed class CutConnectionTests : IAsyncLifetime
{
    private readonly string _schema = PostgresServer.NewSchema();
    private PostgresServer _server = null!;
    private CutProxy _proxy = null!;
    private PostgresJobStore _store = null!;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        _proxy = new CutProxy(_server.Socket);
        _store = await Databases.OpenAsync(
            _server, _schema, options => options with { ConnectionString = _proxy.ConnectionString });
        await _store.CommitAsync([New(1), New(2, "taken")], default);
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Theory]
    [InlineData(Cut.BeforeTheRequest)]
    [InlineData(Cut.BeforeTheAnswer)]
    [InlineData(Cut.RequestArrivesLate)]
    public async Task A_group_that_is_tried_again_is_written_once_and_gets_its_answers(Cut cut)
    {
        JobWrite[] group =
        [
            New(3, pages: 2), Next(1, record: 0), Next(1, record: null), New(2), Next(9, record: 0),
            New(4, "taken"), Next(1, record: 5), Next(1, record: 1, state: JobState.Waiting),
        ];
        await CutAsync(cut, group);
        WriteResult[] results = await _store.CommitAsync(group, default);
        Assert.Equal(
            [
                WriteResult.Written, WriteResult.Written, WriteResult.Written, WriteResult.IdTaken, WriteResult.Fenced,
                WriteResult.KeyTaken, WriteResult.Fenced, WriteResult.Written,
            ],
            results);
        await AssertRecordsAsync(1, 2);
        Assert.Equal(2, (await _store.ReadPagesAsync(new JobId(3), 0, 9, true, default)).Count);

        Assert.Equal(WriteResult.Written, await _store.CommitAsync(Next(1, record: 2)));
        await _proxy.DeliverAsync();
        await AssertRecordsAsync(1, 3);
        Assert.Equal(Next(1, record: 2).Summary, (await _store.LoadAsync(new JobId(1), default))!.Summary);
    }

    [Theory]
    [InlineData(Cut.BeforeTheRequest, WriteResult.Fenced)]
    [InlineData(Cut.BeforeTheAnswer, WriteResult.Written)]
    public async Task A_write_is_not_called_refused_because_the_job_was_taken_over_since(Cut cut, WriteResult expected)
    {
        JobWrite[] group = [Next(1, record: 0)];
        await CutAsync(cut, group);
        await using PostgresJobStore other = await Databases.OpenAsync(_schema);
        await SoonAsync(async () => cut == Cut.BeforeTheRequest
            || (await other.ReadRecordsAsync(new JobId(1), 0, 9, false, default)).Count == 1);
        Assert.NotNull(await other.AcquireAsync(new JobId(1), default));
        Assert.Equal([expected], await _store.CommitAsync(group, default));
    }

    [Theory]
    [InlineData(Cut.BeforeTheRequest)]
    [InlineData(Cut.BeforeTheAnswer)]
    [InlineData(Cut.RequestArrivesLate)]
    public async Task A_group_that_is_given_up_is_written_whole_or_not_at_all(Cut cut)
    {
        await CutAsync(cut, [New(3), New(4)]);
        Assert.Equal([WriteResult.Written], await _store.CommitAsync([New(5)], default));
        bool before = await _store.LoadAsync(new JobId(3), default) is not null;
        await _proxy.DeliverAsync();
        Assert.Equal(before, await _store.LoadAsync(new JobId(3), default) is not null);
        Assert.Equal(before, await _store.LoadAsync(new JobId(4), default) is not null);
        Assert.Equal([WriteResult.Written], await _store.CommitAsync([New(6)], default));
    }

    [Fact]
    public async Task Thousands_of_commits_with_a_cut_every_so_often_are_each_written_once()
    {
        const int Commits = 2_500;
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < Commits; i++)
        {
            // Where the numbers begin a new block is a place of its own.
            if (random.Next(40) == 0 || i % 1000 > 994) _proxy.Arm((Cut)random.Next(1, 4));
            WriteResult result = await CommitUntilAsync([Next(1, record: i)]);
            Assert.True(result == WriteResult.Written, $"Seed {seed}: commit {i} was {result}.");
        }
        await _proxy.DeliverAsync();
        await AssertRecordsAsync(1, Commits);
        Assert.Empty(await _store.CheckAsync(default));
        Assert.Equal(1L, await _server.AskAsync($"SELECT count(*) FROM {_schema}.writers"));
    }

    [Fact]
    public async Task Reads_go_on_over_another_connection()
    {
        _proxy.Arm(Cut.BeforeTheRequest);
        Assert.NotNull(await _store.LoadAsync(new JobId(1), default));
        _proxy.Arm(Cut.BeforeTheAnswer);
        Assert.NotNull(await _store.LoadAsync(new JobId(1), default));
        _proxy.IsRefusing = true;
        _proxy.Arm(Cut.BeforeTheAnswer);
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => _store.LoadAsync(new JobId(1), default).AsTask());
        Assert.True(error.IsTransient);
        _proxy.IsRefusing = false;
        Assert.NotNull(await _store.LoadAsync(new JobId(1), default));
    }

    [Fact]
    public async Task An_owner_whose_connection_was_cut_owns_the_store_again_unless_it_was_taken()
    {
        await _store.OwnAsync(default);
        await CutAsync(Cut.RequestArrivesLate, [New(3)]);
        // The old session still is there: it must not stand in the way of its own successor.
        Assert.Equal(WriteResult.Written, await CommitUntilAsync([New(3)]));
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => Databases.OpenAsync(_schema));
        Assert.Equal(StoreFault.Owned, refused.Fault);

        await CutAsync(Cut.BeforeTheRequest, [New(4)]);
        await using PostgresJobStore other = await Databases.OpenAsync(_schema);
        await other.OwnAsync(default);
        refused = await Assert.ThrowsAsync<StoreException>(() => _store.CommitAsync([New(4)], default).AsTask());
        Assert.Equal(StoreFault.Owned, refused.Fault);
        Assert.False(refused.IsTransient);
    }

    [Fact]
    public async Task A_server_that_lacks_an_acknowledged_commit_is_not_written_to()
    {
        await _store.CommitAsync([New(3)], default);
        // As after a restore, or where a standby took over that had not received the last commit.
        await _server.AskAsync($"UPDATE {_schema}.writers SET number = number - 1");
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => _store.CommitAsync([New(4)], default).AsTask());
        Assert.Equal(StoreFault.Unknown, error.Fault);
        Assert.Contains("does not have the last commit", error.Message, StringComparison.Ordinal);
    }

    private async Task CutAsync(Cut cut, JobWrite[] group)
    {
        _proxy.Arm(cut);
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => _store.CommitAsync(group, default).AsTask());
        Assert.Equal(StoreFault.Unavailable, error.Fault);
    }

    // As the group commit does it.
    private async Task<WriteResult> CommitUntilAsync(JobWrite[] group)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                return (await _store.CommitAsync(group, default))[0];
            }
            catch (StoreException error) when (error.IsTransient && tries < 100)
            {
                await Task.Delay(5);
            }
        }
    }

    private async Task AssertRecordsAsync(long job, int count)
    {
        IReadOnlyList<StoredRecord> records =
            await _store.ReadRecordsAsync(new JobId(job), 0, int.MaxValue, true, default);
        Assert.Equal(Enumerable.Range(0, count), records.Select(record => record.Number));
    }

    private static async Task SoonAsync(Func<Task<bool>> holds)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await holds()) await Task.Delay(5, timeout.Token);
    }
}
