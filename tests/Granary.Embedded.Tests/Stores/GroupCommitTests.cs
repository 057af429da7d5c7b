using Granary.Conformance.Stores;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Embedded.Tests.Stores;

public sealed class GroupCommitTests
{
    private readonly GatedStore _store = new();
    private readonly ManualTime _time = new();
    private readonly List<Exception> _faults = [];

    [Fact]
    public async Task An_idle_store_commits_the_first_write_at_once()
    {
        await using GroupCommit commit = Start();
        Assert.Equal(WriteResult.Written, await commit.SubmitAsync(New(1), default));
        Assert.NotNull(await _store.LoadAsync(new JobId(1), default));
        Assert.Null(commit.Blocked);
    }

    [Fact]
    public async Task What_arrives_during_a_commit_goes_into_one_group()
    {
        await using GroupCommit commit = Start();
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(1), default);
        await _store.Entered();
        Task<WriteResult>[] others = [.. Enumerable.Range(2, 50).Select(i => commit.SubmitAsync(New(i), default))];
        _store.Release();
        await Task.WhenAll([first, .. others]);
        Assert.Equal([1, 50], _store.Groups);
    }

    [Fact]
    public async Task Every_write_gets_its_own_answer()
    {
        await using GroupCommit commit = Start();
        await commit.SubmitAsync(New(1, key: "taken"), default);
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(2), default);
        await _store.Entered();
        JobWrite[] writes = [New(1), New(3, "taken"), New(4)];
        Task<WriteResult>[] group = [.. writes.Select(write => commit.SubmitAsync(write, default))];
        _store.Release();
        await first;
        Assert.Equal([WriteResult.IdTaken, WriteResult.KeyTaken, WriteResult.Written], await Task.WhenAll(group));
    }

    [Fact]
    public async Task A_source_is_asked_for_its_write_at_the_last_moment_and_once_however_often_it_is_submitted()
    {
        await using GroupCommit commit = Start();
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(1), default);
        await _store.Entered();
        var source = new Source { Next = New(2) };
        commit.Submit(source);
        commit.Submit(source);
        source.Next = New(3);
        Assert.Equal(0, source.Takes);
        _store.Release();
        await source.Answered();
        await commit.SubmitAsync(New(9), default);
        Assert.Equal(1, source.Takes);
        Assert.Equal(3, Assert.Single(source.Done).Write.Job.Value);
    }

    [Fact]
    public async Task A_source_submitted_while_its_write_is_committed_is_asked_again()
    {
        await using GroupCommit commit = Start();
        _store.Hold();
        var source = new Source { Next = New(1) };
        commit.Submit(source);
        await _store.Entered();
        source.Next = New(2);
        commit.Submit(source);
        _store.Release();
        await source.Answered();
        await source.Answered();
        Assert.Equal([1, 2], source.Done.Select(done => done.Write.Job.Value));
    }

    [Fact]
    public async Task A_source_with_nothing_to_write_costs_no_commit()
    {
        await using GroupCommit commit = Start();
        var source = new Source { Next = null };
        commit.Submit(source);
        await commit.SubmitAsync(New(1), default);
        Assert.Equal(1, source.Takes);
        Assert.Equal([1], _store.Groups);
    }

    [Fact]
    public async Task A_group_is_bounded_in_writes_and_in_bytes()
    {
        await using GroupCommit commit = Start();
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(1), default);
        await _store.Entered();
        Task<WriteResult>[] small =
            [.. Enumerable.Range(2, GroupCommit.MaxWrites + 10).Select(i => commit.SubmitAsync(New(i), default))];
        Task<WriteResult>[] large = [.. Enumerable.Range(10_000, 5).Select(i => commit.SubmitAsync(Large(i), default))];
        _store.Release();
        await Task.WhenAll([first, .. small, .. large]);
        Assert.Equal([1, GroupCommit.MaxWrites, 10 + 3, 2], _store.Groups);
    }

    [Fact]
    public async Task A_transient_fault_holds_the_writes_back_and_tries_again_ever_more_slowly()
    {
        await using GroupCommit commit = Start();
        _store.Fault = new StoreException(StoreFault.Full, "full");
        Task<WriteResult> held = commit.SubmitAsync(New(1), default);
        foreach (int milliseconds in new[] { 50, 100, 200, 400, 800, 1_000, 1_000 })
        {
            ManualTimer timer = await _time.NextTimer();
            Assert.Equal(milliseconds, timer.DueTime.TotalMilliseconds);
            Assert.Equal(StoreFault.Full, commit.Blocked);
            Assert.False(held.IsCompleted);
            timer.Fire();
        }
        ManualTimer last = await _time.NextTimer();
        Task<WriteResult> later = commit.SubmitAsync(New(2), default);
        _store.Fault = null;
        last.Fire();
        Assert.Equal(WriteResult.Written, await held);
        Assert.Equal(WriteResult.Written, await later);
        Assert.Null(commit.Blocked);
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task A_fatal_fault_fails_what_is_taken_and_all_that_follows_and_is_told_once()
    {
        await using GroupCommit commit = Start();
        _store.Fault = new StoreException(StoreFault.Unknown, "disk");
        var source = new Source { Next = New(1) };
        commit.Submit(source);
        await source.Answered();
        Assert.Same(_store.Fault, source.Fault);

        _store.Fault = null;
        var fault = await Assert.ThrowsAsync<StoreException>(() => commit.SubmitAsync(New(2), default));
        Assert.Equal(StoreFault.Unknown, fault.Fault);
        Assert.Equal(StoreFault.Unknown, commit.Blocked);
        Assert.Single(_faults);
        Assert.Null(await _store.LoadAsync(new JobId(2), default));
    }

    [Fact]
    public async Task A_bug_in_a_source_leaves_nobody_waiting()
    {
        await using GroupCommit commit = Start();
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(1), default);
        await _store.Entered();
        Task<WriteResult> second = commit.SubmitAsync(New(2), default);
        commit.Submit(new Source { Bug = new InvalidOperationException("bug") });
        _store.Release();
        await first;
        Assert.Equal(StoreFault.Unknown, (await Assert.ThrowsAsync<StoreException>(() => second)).Fault);
        Assert.Equal("bug", Assert.Single(_faults).Message);
    }

    [Fact]
    public async Task Canceling_works_until_the_write_is_taken()
    {
        await using GroupCommit commit = Start();
        using var canceling = new CancellationTokenSource();
        _store.Hold();
        Task<WriteResult> taken = commit.SubmitAsync(New(1), canceling.Token);
        await _store.Entered();
        Task<WriteResult> waiting = commit.SubmitAsync(New(2), canceling.Token);
        await canceling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        _store.Release();
        Assert.Equal(WriteResult.Written, await taken);
        await commit.SubmitAsync(New(3), default);
        Assert.Null(await _store.LoadAsync(new JobId(2), default));
    }

    [Fact]
    public async Task Disposing_commits_what_is_queued_and_refuses_what_comes_later()
    {
        GroupCommit commit = Start();
        _store.Hold();
        Task<WriteResult> first = commit.SubmitAsync(New(1), default);
        await _store.Entered();
        Task<WriteResult> second = commit.SubmitAsync(New(2), default);
        Task disposing = commit.DisposeAsync().AsTask();
        _store.Release();
        await disposing;
        Assert.Equal([WriteResult.Written, WriteResult.Written], await Task.WhenAll(first, second));
        await Assert.ThrowsAsync<StoreException>(() => commit.SubmitAsync(New(3), default));
        await commit.DisposeAsync();
    }

    [Fact]
    public async Task Disposing_gives_up_on_writes_that_are_held_back()
    {
        GroupCommit commit = Start();
        _store.Fault = new StoreException(StoreFault.Full, "full");
        Task<WriteResult> held = commit.SubmitAsync(New(1), default);
        await _time.NextTimer();
        await commit.DisposeAsync();
        Assert.Equal(StoreFault.Full, (await Assert.ThrowsAsync<StoreException>(() => held)).Fault);
    }

    [Fact]
    public async Task Who_awaits_a_write_does_not_run_on_the_commit_thread()
    {
        await using GroupCommit commit = Start();
        int resumedOn = await Task.Run(async () =>
        {
            await commit.SubmitAsync(New(1), default);
            return Environment.CurrentManagedThreadId;
        });
        Assert.NotEqual(_store.CommitThread, resumedOn);
    }

    private GroupCommit Start() => new(_store, _time, _faults.Add);

    private static JobWrite Large(long job) => new()
    {
        Job = new JobId(job),
        Epoch = 1,
        Header = new byte[3 << 20],
        Phase = JobPhase.Live,
        State = JobState.Running,
        Summary = default,
    };

    private sealed class Source : IPendingWrite
    {
        private readonly SemaphoreSlim _answers = new(0);

        public JobWrite? Next { get; set; }

        public Exception? Bug { get; init; }

        public int Takes { get; private set; }

        public List<(JobWrite Write, WriteResult Result)> Done { get; } = [];

        public StoreException? Fault { get; private set; }

        public Task Answered() => _answers.WaitAsync();

        public JobWrite? Take()
        {
            Takes++;
            return Bug is null ? Next : throw Bug;
        }

        void IPendingWrite.Done(JobWrite write, WriteResult result)
        {
            Done.Add((write, result));
            _answers.Release();
        }

        public void Failed(StoreException fault)
        {
            Fault = fault;
            _answers.Release();
        }
    }
}
