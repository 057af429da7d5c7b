using Granary.Activations;
using Granary.Embedded.Tests.Stores;
using Granary.Engines;
using Granary.Stores;
using Xunit;
using ManualTime = Granary.Conformance.ManualTime;

namespace Granary.Embedded.Tests.Engines;

/// <summary>Tasks without a handler cost nothing while they wait for it.</summary>
public sealed class MissingHandlerTests : IAsyncLifetime
{
    private const int Count = 1_000;
    private const int Pool = 10;

    private readonly ManualTime _time = new();
    private readonly GatedStore _store = new();
    private readonly HandlerRegistry _all = new HandlerRegistry().Handle<int, int>("late", (n, _) => n);
    private CountingThreads _threads = null!;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task A_thousand_of_them_are_parked_in_few_turns_and_writes_and_then_take_none()
    {
        JobId job = await SubmitAsync();
        await using EmbeddedEngine engine = await StartAsync(new HandlerRegistry());
        while ((await engine.GetStatusAsync(job)).Counts.Waiting < Count) await Task.Yield();
        IReadOnlyList<PendingTask> parked = await engine.ListPendingAsync(job, -1, 2 * Count);
        Assert.Equal(Count, parked.Count(task => task is { Reason: Reason.NoHandler, Handler: "late" }));
        // After a takeover each start is durable before it is tried: as many at once as the pool lets start.
        Assert.InRange(_store.Groups.Count, 1, 2 * Count / Pool);
        Assert.InRange(_threads.Turns, 1, Count);

        // Asking is a turn of its own, on the thread of whoever asks; the engine itself takes none.
        (int turns, int commits) = (_threads.Turns, _store.Groups.Count);
        for (int minute = 1; minute < 60; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(Count, (await engine.GetStatusAsync(job)).Counts.Waiting);
        }
        Assert.Equal((turns, commits), (_threads.Turns, _store.Groups.Count));
    }

    [Fact]
    public async Task A_thousand_of_them_that_wait_in_vain_end_in_few_writes()
    {
        JobId job = await SubmitAsync();
        await using EmbeddedEngine engine = await StartAsync(new HandlerRegistry());
        while ((await engine.GetStatusAsync(job)).Counts.Waiting < Count) await Task.Yield();
        int commits = _store.Groups.Count;
        _time.Advance(JobDefaults.MissingHandlerTimeout);
        while (!(await engine.GetStatusAsync(job)).State.IsEnd()) await Task.Yield();
        Assert.Equal(Count, (await engine.GetStatusAsync(job)).Counts.Failed);
        Assert.InRange(_store.Groups.Count - commits, 1, 20);
    }

    private async Task<JobId> SubmitAsync()
    {
        var options = new EmbeddedOptions { Time = _time, Passive = true };
        await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(_store, _all, options);
        var spec = new JobSpec { Kind = JobKind.Batch, MaxConcurrency = Pool };
        IEnumerable<Item> items = Enumerable.Range(0, Count).Select(i => Item.Task("late", i));
        return (await engine.SubmitAsync(spec, items.ToAsyncEnumerable())).Job;
    }

    private Task<EmbeddedEngine> StartAsync(HandlerRegistry handlers)
    {
        _store.Groups.Clear();
        return EmbeddedEngine.StartAsync(
            _store, handlers, new EmbeddedOptions { Time = _time },
            onFault => _threads = new CountingThreads(new EngineThreads(_store, _time, onFault)),
            CancellationToken.None);
    }

    private sealed class CountingThreads(EngineThreads inner) : IEngineThreads
    {
        private int _turns;

        /// <summary>Turns that the engine gave itself.</summary>
        public int Turns => Volatile.Read(ref _turns);

        public StoreFault? Blocked => inner.Blocked;

        public TimeProvider Clock => inner.Clock;

        public void Schedule(Activation activation)
        {
            Interlocked.Increment(ref _turns);
            inner.Schedule(activation);
        }

        public void ScheduleHere(Activation activation) => inner.ScheduleHere(activation);

        public void ScheduleAt(Activation activation, Instant at) => inner.ScheduleAt(activation, at);

        public void FlushLazily(Activation activation) => inner.FlushLazily(activation);

        public void Run(IThreadPoolWorkItem attempt) => inner.Run(attempt);

        public void Commit(IPendingWrite source) => inner.Commit(source);

        public Task<WriteResult> CommitAsync(JobWrite write, CancellationToken cancellation) =>
            inner.CommitAsync(write, cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
