using Granary.Activations;
using Granary.Engines;
using Granary.Stores;
using Xunit;

namespace Granary.Embedded.Tests.Engines;

/// <summary>What nobody waits for is held back a moment before it is committed.</summary>
public sealed class HeldBackTests
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task An_outcome_is_durable_as_soon_as_somebody_asks_about_its_job()
    {
        await using var store = new MemoryJobStore();
        await using EmbeddedEngine engine = await StartAsync(store, t => new Threads(t) { Flushes = false });
        JobId job = await SubmitAsync(engine, "quick", "slow");
        while ((await engine.GetStatusAsync(job)).Counts.Succeeded == 0) await Task.Yield();
        Assert.Single((await engine.ReadCompletionsAsync(job, 0, 10, TimeSpan.Zero)).Outcomes);
        _gate.SetResult();
    }

    [Fact]
    public async Task A_job_that_ends_is_durable_without_being_asked_about()
    {
        await using var store = new MemoryJobStore();
        await using EmbeddedEngine engine = await StartAsync(store, t => new Threads(t) { Flushes = false });
        JobId job = await SubmitAsync(engine, "quick", "quick");
        CompletionPage page = await engine.ReadCompletionsAsync(job, 0, 10, TimeSpan.FromMinutes(1));
        Assert.True(page.Ended);
    }

    [Fact]
    public async Task An_outcome_is_committed_in_time_while_the_loop_is_kept_busy()
    {
        await using var store = new MemoryJobStore();
        Threads? threads = null;
        await using EmbeddedEngine engine = await StartAsync(store, inner => threads = new Threads(inner));
        await SubmitAsync(engine, "quick", "slow");
        Activation other = await threads!.FlushedFirst.Task;

        using var enough = new CancellationTokenSource();
        Task busy = Task.Run(async () =>
        {
            for (; !enough.IsCancellationRequested; await Task.Yield()) threads.Schedule(other);
        });
        JobId job = await SubmitAsync(engine, "quick", "slow");
        CompletionPage page = await engine.ReadCompletionsAsync(job, 0, 10, TimeSpan.FromMinutes(1));
        await enough.CancelAsync();
        await busy;
        Assert.Single(page.Outcomes);
        Assert.False(page.Ended);
        _gate.SetResult();
    }

    private Task<EmbeddedEngine> StartAsync(IJobStore store, Func<EngineThreads, Threads> wrap)
    {
        HandlerRegistry handlers = new HandlerRegistry()
            .Handle<int, int>("quick", (n, _) => n)
            .Handle<int, int>("slow", async (n, _) =>
            {
                await _gate.Task;
                return n;
            });
        return EmbeddedEngine.StartAsync(
            store, handlers, new EmbeddedOptions(),
            onFault => wrap(new EngineThreads(store, TimeProvider.System, onFault)), CancellationToken.None);
    }

    private static async Task<JobId> SubmitAsync(EmbeddedEngine engine, params string[] handlers)
    {
        IEnumerable<Item> items = handlers.Select((handler, i) => Item.Task(handler, i));
        var spec = new JobSpec { Kind = JobKind.Batch, MaxConcurrency = 10 };
        return (await engine.SubmitAsync(spec, items.ToAsyncEnumerable())).Job;
    }

    private sealed class Threads(EngineThreads inner) : IEngineThreads
    {
        public bool Flushes { get; init; } = true;

        public TaskCompletionSource<Activation> FlushedFirst { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public StoreFault? Blocked => inner.Blocked;

        public TimeProvider Clock => inner.Clock;

        public void FlushLazily(Activation activation)
        {
            FlushedFirst.TrySetResult(activation);
            if (Flushes) inner.FlushLazily(activation);
        }

        public void Schedule(Activation activation) => inner.Schedule(activation);

        public void ScheduleHere(Activation activation) => inner.ScheduleHere(activation);

        public void ScheduleAt(Activation activation, Instant at) => inner.ScheduleAt(activation, at);

        public void Run(IThreadPoolWorkItem attempt) => inner.Run(attempt);

        public void Commit(IPendingWrite source) => inner.Commit(source);

        public Task<WriteResult> CommitAsync(JobWrite write, CancellationToken cancellation) =>
            inner.CommitAsync(write, cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
