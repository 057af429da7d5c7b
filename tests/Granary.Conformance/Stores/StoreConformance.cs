using Granary.Engines;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Conformance.Stores;

/// <summary>What every store must do. A store's test project inherits it and says how to open one.</summary>
public abstract class StoreConformance : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The store under test; empty at first.</summary>
    protected IJobStore Store { get; private set; } = null!;

    /// <summary>Opens an empty store.</summary>
    protected abstract Task<IJobStore> OpenAsync();

    /// <inheritdoc/>
    public async Task InitializeAsync() => Store = await OpenAsync();

    /// <inheritdoc/>
    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    [Fact]
    public async Task A_committed_job_is_loaded_as_it_was_written()
    {
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(New(7)));
        StoredJob? job = await Store.LoadAsync(new JobId(7), default);
        AssertJob(job, 7, epoch: 1, JobPhase.Live, New(7).Summary);
    }

    [Fact]
    public async Task What_does_not_exist_is_null_or_empty()
    {
        var job = new JobId(7);
        Assert.Null(await Store.LoadAsync(job, default));
        Assert.Null(await Store.AcquireAsync(job, default));
        Assert.Null(await Store.FindAsync("key", default));
        Assert.Empty(await Store.ReadPagesAsync(job, 0, 10, true, default));
        Assert.Empty(await Store.ReadRecordsAsync(job, 0, 10, true, default));
        Assert.Empty(await Store.ListAsync(new JobQuery(), default));
        Assert.True(await Store.RemoveAsync(job, 10, default));
        Assert.Empty(await Store.CommitAsync([], default));
    }

    [Fact]
    public async Task A_new_job_whose_id_is_in_use_is_refused_and_changes_nothing()
    {
        await Store.CommitAsync(New(7));
        JobWrite second = New(7, key: "second", state: JobState.Queued, pages: 1);
        Assert.Equal(WriteResult.IdTaken, await Store.CommitAsync(second));
        Assert.Null(await Store.FindAsync("second", default));
        Assert.Empty(await Store.ReadPagesAsync(new JobId(7), 0, 10, true, default));
        Assert.Empty(await Store.ListAsync(new JobQuery { State = JobState.Queued }, default));
    }

    [Fact]
    public async Task Taking_a_job_over_fences_the_holder_before()
    {
        await Store.CommitAsync(New(7));
        StoredJob? taken = await Store.AcquireAsync(new JobId(7), default);
        AssertJob(taken, 7, epoch: 2, JobPhase.Live, New(7).Summary);

        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 0, epoch: 1, state: JobState.Failed)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 0, epoch: 3)));
        Assert.Empty(await Store.ReadRecordsAsync(new JobId(7), 0, 10, true, default));
        AssertJob(await Store.LoadAsync(new JobId(7), default), 7, epoch: 2, JobPhase.Live, New(7).Summary);

        Assert.Equal(WriteResult.Written, await Store.CommitAsync(Next(7, record: 0, epoch: 2)));
    }

    [Fact]
    public async Task Jobs_taken_over_at_the_same_time_are_each_taken_once()
    {
        await Store.CommitAsync([.. Enumerable.Range(1, 100).Select(i => New(i))], default);
        StoredJob?[] taken = await Task.WhenAll(
            Enumerable.Range(1, 101).Select(i => Task.Run(() => Store.AcquireAsync(new JobId(i), default).AsTask())));
        Assert.Equal(Enumerable.Range(1, 100).Select(i => (long)i), taken.SkipLast(1).Select(job => job!.Job.Value));
        Assert.All(taken.SkipLast(1), job => Assert.Equal(2, job!.Epoch));
        Assert.Null(taken[^1]);
    }

    [Fact]
    public async Task A_write_to_a_job_that_is_gone_is_fenced() =>
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 0)));

    [Fact]
    public async Task A_write_out_of_turn_is_fenced()
    {
        await Store.CommitAsync(New(7, pages: 2));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 1)));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(Next(7, record: 0)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 0)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(WithPages(7, 1)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(WithPages(7, 2, 4)));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(WithPages(7, 2, 3)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 1, epoch: 2)));
        IReadOnlyList<StoredPage> pages = await Store.ReadPagesAsync(new JobId(7), 0, 10, true, default);
        Assert.Equal([0, 1, 2, 3], pages.Select(page => page.Number));
    }

    [Fact]
    public async Task Writes_of_one_group_apply_in_order()
    {
        WriteResult[] results = await Store.CommitAsync(
            [New(7, phase: JobPhase.Staged), WithPages(7, 0, 1), Next(7, record: 0), Next(7, record: 1)], default);
        Assert.All(results, result => Assert.Equal(WriteResult.Written, result));
        Assert.Equal(2, (await Store.ReadRecordsAsync(new JobId(7), 0, 10, true, default)).Count);
    }

    [Fact]
    public async Task A_refused_write_does_not_disturb_the_others_of_its_group()
    {
        await Store.CommitAsync([New(1, key: "taken"), New(2)], default);
        WriteResult[] results = await Store.CommitAsync(
            [New(3), New(2), Next(2, record: 5), New(4, "taken", pages: 3), New(5, "new"), New(6, "new")], default);
        Assert.Equal([WriteResult.Written, WriteResult.IdTaken, WriteResult.Fenced], results[..3]);
        Assert.Equal([WriteResult.KeyTaken, WriteResult.Written, WriteResult.KeyTaken], results[3..]);
        Assert.Equal([5, 3, 2, 1], await ListAsync(new JobQuery()));
        Assert.Empty(await Store.ReadPagesAsync(new JobId(4), 0, 10, true, default));
    }

    [Fact]
    public async Task A_key_finds_its_job_and_no_other_may_have_it()
    {
        await Store.CommitAsync(New(7, key: "nightly"));
        await Store.CommitAsync(New(8, phase: JobPhase.Staged));
        Assert.Equal(new JobId(7), await Store.FindAsync("nightly", default));
        Assert.Null(await Store.FindAsync("Nightly", default));

        Assert.Equal(WriteResult.KeyTaken, await Store.CommitAsync(WithKey(8, "nightly")));
        Assert.Null(await Store.LoadAsync(new JobId(8), default));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(WithKey(8, "nightly", epoch: 2)));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(WithKey(8, "weekly")));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(WithKey(8, "weekly")));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(Next(8, record: 0)));
        Assert.Equal(new JobId(8), await Store.FindAsync("weekly", default));
    }

    [Fact]
    public async Task A_staged_job_is_invisible_until_it_goes_live()
    {
        await Store.CommitAsync([New(7, phase: JobPhase.Staged, state: JobState.Queued), WithPages(7, 0)], default);
        Assert.Null(await Store.LoadAsync(new JobId(7), default));
        Assert.Null(await Store.AcquireAsync(new JobId(7), default));
        Assert.Empty(await ListAsync(new JobQuery()));
        Assert.Empty(await ListAsync(new JobQuery { State = JobState.Queued }));
        Assert.Empty(await Store.ListLiveAsync(default, 10, default));
        Assert.Equal([new JobId(7)], await Store.ListStagedAsync(Noon, 10, default));

        Assert.Equal(WriteResult.Written, await Store.CommitAsync(WithKey(7, "key")));
        Assert.Empty(await Store.ListStagedAsync(Noon, 10, default));
        Assert.Equal([7], await ListAsync(new JobQuery()));
        Assert.Equal([new JobId(7)], await Store.ListLiveAsync(default, 10, default));
        Assert.NotNull(await Store.LoadAsync(new JobId(7), default));
    }

    [Fact]
    public async Task A_staged_job_can_be_removed_and_its_writer_is_then_fenced()
    {
        await Store.CommitAsync(New(7, phase: JobPhase.Staged, pages: 3));
        await Store.RemoveAllAsync(new JobId(7));
        Assert.Empty(await Store.ListStagedAsync(Noon, 10, default));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(WithPages(7, 3)));
    }

    [Fact]
    public async Task Pages_and_records_are_read_from_a_number_and_up_with_or_without_their_bulk()
    {
        await Store.CommitAsync([New(7, pages: 5), New(8, pages: 2)], default);
        for (int i = 0; i < 5; i++) await Store.CommitAsync(Next(7, record: i));

        IReadOnlyList<StoredPage> pages = await Store.ReadPagesAsync(new JobId(7), 1, 3, true, default);
        Assert.Equal([1, 2, 3], pages.Select(p => p.Number));
        Assert.All(pages, p => AssertBytes(Page(p.Number).Shape, p.Shape));
        Assert.All(pages, p => AssertBytes(Page(p.Number).Args, p.Args));
        pages = await Store.ReadPagesAsync(new JobId(7), 0, 9, false, default);
        Assert.All(pages, p => AssertBytes(Page(p.Number).Shape, p.Shape));
        Assert.All(pages, p => Assert.True(p.Args.IsEmpty));

        IReadOnlyList<StoredRecord> records = await Store.ReadRecordsAsync(new JobId(7), 3, 9, true, default);
        Assert.Equal([3, 4], records.Select(r => r.Number));
        Assert.All(records, r => AssertBytes(Record(r.Number).Events, r.Events));
        Assert.All(records, r => AssertBytes(Record(r.Number).Values, r.Values));
        records = await Store.ReadRecordsAsync(new JobId(7), 0, 9, false, default);
        Assert.All(records, r => Assert.True(r.Values.IsEmpty));
        Assert.Empty(await Store.ReadRecordsAsync(new JobId(7), 5, 9, true, default));
        Assert.Equal(2, (await Store.ReadPagesAsync(new JobId(8), 0, 9, true, default)).Count);
    }

    [Fact]
    public async Task Blobs_may_be_empty_or_large()
    {
        byte[] large = new byte[3 << 20];
        new Random(1).NextBytes(large);
        await Store.CommitAsync(new JobWrite
        {
            Job = new JobId(7),
            Epoch = 1,
            Header = ReadOnlyMemory<byte>.Empty,
            Phase = JobPhase.Live,
            State = JobState.Running,
            Summary = default,
            Pages = [new StoredPage(0, default, large)],
            Record = new StoredRecord(0, large, default),
        });
        StoredJob? job = await Store.LoadAsync(new JobId(7), default);
        AssertJob(job, 7, 1, JobPhase.Live, default, header: ReadOnlyMemory<byte>.Empty);
        AssertBytes(large, Assert.Single(await Store.ReadPagesAsync(new JobId(7), 0, 9, true, default)).Args);
        AssertBytes(large, Assert.Single(await Store.ReadRecordsAsync(new JobId(7), 0, 9, true, default)).Events);
    }

    [Fact]
    public async Task Listing_gives_the_newest_first_in_pages_and_by_state()
    {
        await Store.CommitAsync([.. Enumerable.Range(1, 9).Select(i => New(i))], default);
        await Store.CommitAsync([End(2, Noon), End(5, Noon, state: JobState.Failed), End(8, Noon)], default);
        Assert.Equal([9, 8, 7, 6], await ListAsync(new JobQuery { Max = 4 }));
        Assert.Equal([5, 4], await ListAsync(new JobQuery { Max = 2, Before = new JobId(6) }));
        Assert.Equal([8, 2], await ListAsync(new JobQuery { State = JobState.Succeeded }));
        Assert.Equal([2], await ListAsync(new JobQuery { State = JobState.Succeeded, Before = new JobId(8) }));
        Assert.Equal([5], await ListAsync(new JobQuery { State = JobState.Failed }));
        Assert.Equal([9, 7], await ListAsync(new JobQuery { State = JobState.Running, Max = 2 }));
        Assert.Empty(await ListAsync(new JobQuery { State = JobState.Canceled }));
    }

    [Fact]
    public async Task Live_jobs_are_found_oldest_first_after_a_given_one()
    {
        await Store.CommitAsync([.. Enumerable.Range(1, 6).Select(i => New(i))], default);
        await Store.CommitAsync(End(3, Noon));
        Assert.Equal([1, 2, 4], (await Store.ListLiveAsync(default, 3, default)).Select(id => id.Value));
        Assert.Equal([5, 6], (await Store.ListLiveAsync(new JobId(4), 3, default)).Select(id => id.Value));
        Assert.Empty(await Store.ListLiveAsync(new JobId(6), 3, default));
    }

    [Fact]
    public async Task Finished_jobs_expire_at_their_time_unless_they_go_on()
    {
        await Store.CommitAsync([.. Enumerable.Range(1, 4).Select(i => New(i))], default);
        await Store.CommitAsync(
            [End(1, Noon.AddHours(2)), End(2, Noon.AddHours(1)), End(3, Noon), End(4, Noon.AddDays(1))], default);
        Assert.Empty(await Store.ListExpiredAsync(Noon.AddTicks(-1), 9, default));
        Assert.Equal([3, 2, 1], (await Store.ListExpiredAsync(Noon.AddHours(2), 9, default)).Select(id => id.Value));
        Assert.Equal([3, 2], (await Store.ListExpiredAsync(Noon.AddHours(2), 2, default)).Select(id => id.Value));

        await Store.CommitAsync(Next(3, record: 0));
        Assert.Equal([2], (await Store.ListExpiredAsync(Noon.AddHours(1), 9, default)).Select(id => id.Value));
        Assert.Equal([new JobId(3)], await Store.ListLiveAsync(default, 9, default));
    }

    [Fact]
    public async Task Live_jobs_are_found_when_they_are_due_the_longest_due_first()
    {
        await Store.CommitAsync(
            [
                Due(1, Noon.AddHours(2)), Due(2, Noon), Due(3, null), Due(4, Noon.AddHours(1)),
                Due(5, Noon, JobPhase.Staged), Due(6, Noon, JobPhase.Finished),
            ],
            default);
        Assert.Empty(await Store.ListDueAsync(Noon.AddMinutes(-1), 9, default));
        Assert.Equal([2, 4, 1], (await Store.ListDueAsync(Noon.AddHours(2), 9, default)).Select(id => id.Value));
        Assert.Equal([2, 4], (await Store.ListDueAsync(Noon.AddHours(2), 2, default)).Select(id => id.Value));

        await Store.CommitAsync([Next(2, record: 0), End(4, Noon)], default);
        Assert.Equal([1], (await Store.ListDueAsync(DateTimeOffset.MaxValue, 9, default)).Select(id => id.Value));
        await Store.CommitAsync(End(1, Noon));
        await Store.RemoveAllAsync(new JobId(1));
        Assert.Empty(await Store.ListDueAsync(DateTimeOffset.MaxValue, 9, default));
    }

    [Fact]
    public async Task Only_its_holder_postpones_when_a_live_job_is_due()
    {
        await Store.CommitAsync(
            [Due(1, Noon), Due(2, Noon), Due(3, null), Due(4, Noon, JobPhase.Finished), Due(5, Noon, JobPhase.Staged)],
            default);
        await Store.AcquireAsync(new JobId(2), default);
        HeldJob[] held = [.. Enumerable.Range(1, 6).Select(job => new HeldJob(new JobId(job), 1))];

        IReadOnlyList<JobId> lost = await Store.PostponeAsync(held, Noon.AddHours(1), default);
        Assert.Equal([2, 6], lost.Order().Select(id => id.Value));
        Assert.Equal([2], (await Store.ListDueAsync(Noon, 9, default)).Select(id => id.Value));
        Assert.Equal([2, 1, 3], (await Store.ListDueAsync(Noon.AddHours(1), 9, default)).Select(id => id.Value));
        Assert.Equal([new JobId(5)], await Store.ListStagedAsync(Noon, 9, default));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(Next(1, record: 0)));
        Assert.Empty(await Store.PostponeAsync([], Noon, default));
    }

    [Fact]
    public async Task A_staged_job_is_listed_once_its_time_has_passed()
    {
        await Store.CommitAsync(
            [Due(1, null, JobPhase.Staged), Due(2, Noon, JobPhase.Staged), Due(3, Noon.AddHours(1), JobPhase.Staged)],
            default);
        Assert.Equal([1], (await Store.ListStagedAsync(Noon.AddMinutes(-1), 9, default)).Select(id => id.Value));
        Assert.Equal([1, 2], (await Store.ListStagedAsync(Noon, 9, default)).Select(id => id.Value));
        Assert.Equal([1, 2, 3],
            (await Store.ListStagedAsync(DateTimeOffset.MaxValue, 9, default)).Select(id => id.Value));
    }

    [Fact]
    public async Task Removing_a_job_takes_all_of_it_and_nothing_else_and_leaves_a_live_one_alone()
    {
        await Store.CommitAsync([New(7, key: "key", pages: 10), New(8, pages: 2)], default);
        for (int i = 0; i < 10; i++) await Store.CommitAsync(Next(7, record: i));
        await Store.CommitAsync(End(7, Noon));

        bool gone = false;
        for (int calls = 0; !gone; calls++)
        {
            Assert.True(calls < 10, "Removing 20 rows by 3 should take 7 calls.");
            gone = await Store.RemoveAsync(new JobId(7), 3, default);
            Assert.Null(await Store.LoadAsync(new JobId(7), default));
            Assert.Null(await Store.FindAsync("key", default));
            Assert.Equal([8], await ListAsync(new JobQuery()));
            Assert.Equal(gone, (await Store.ListExpiredAsync(Noon, 9, default)).Count == 0);
        }
        Assert.Empty(await Store.ReadPagesAsync(new JobId(7), 0, 99, true, default));
        Assert.Empty(await Store.ReadRecordsAsync(new JobId(7), 0, 99, true, default));
        Assert.True(await Store.RemoveAsync(new JobId(8), 99, default));
        Assert.Equal(2, (await Store.ReadPagesAsync(new JobId(8), 0, 99, true, default)).Count);
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(Next(8, record: 0)));
        Assert.Equal(WriteResult.Fenced, await Store.CommitAsync(Next(7, record: 10)));
        Assert.Equal(WriteResult.Written, await Store.CommitAsync(New(7, key: "key")));
    }

    [Fact]
    public async Task Readers_see_only_whole_commits_while_a_writer_commits()
    {
        const int Commits = 100;
        await Store.CommitAsync([New(1), New(2)], default);
        Task writer = Task.Run(async () =>
        {
            for (int i = 0; i < Commits; i++) await Store.CommitAsync([Next(1, i), Next(2, i)], default);
        });
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            for (int first = 0; first < Commits;)
            {
                first = (await Store.ReadRecordsAsync(new JobId(1), 0, Commits, true, default)).Count;
                int second = (await Store.ReadRecordsAsync(new JobId(2), 0, Commits, true, default)).Count;
                Assert.True(second >= first, $"{second} records of job 2 are seen after {first} of job 1.");
                if (writer.IsFaulted) break;
            }
        })));
        await writer;
    }

    [Fact]
    public async Task Random_operations_give_what_the_model_gives()
    {
        int seed = Random.Shared.Next();
        await using var model = new MemoryJobStore();
        await new StoreModel(model, Store, seed).RunAsync(operations: 10_000);
    }

    private async Task<IEnumerable<long>> ListAsync(JobQuery query) =>
        (await Store.ListAsync(query, default)).Select(job => job.Job.Value);

    private static JobWrite WithPages(long job, params int[] numbers) =>
        Write(job, phase: JobPhase.Staged, pages: [.. numbers.Select(Page)]);

    private static JobWrite WithKey(long job, string key, long epoch = 1) => Write(job, epoch: epoch, key: key);

    private static JobWrite Write(
        long job,
        long epoch = 1,
        JobPhase phase = JobPhase.Live,
        string? key = null,
        StoredPage[]? pages = null) => new()
        {
            Job = new JobId(job),
            Epoch = epoch,
            Phase = phase,
            Key = key,
            State = JobState.Running,
            Summary = Bytes("written", job),
            Pages = pages ?? [],
        };

    private static void AssertJob(
        StoredJob? job,
        long id,
        long epoch,
        JobPhase phase,
        ReadOnlyMemory<byte> summary,
        ReadOnlyMemory<byte>? header = null)
    {
        Assert.NotNull(job);
        Assert.Equal((id, epoch, phase), (job.Job.Value, job.Epoch, job.Phase));
        AssertBytes(summary, job.Summary);
        AssertBytes(header ?? Bytes("header", id), job.Header);
    }

    private static void AssertBytes(ReadOnlyMemory<byte> expected, ReadOnlyMemory<byte> actual) =>
        Assert.True(expected.Span.SequenceEqual(actual.Span), $"Not the {expected.Length} bytes expected.");
}
