using System.Text.Json;

namespace Granary.Conformance.Engines;

/// <summary>
/// What the classes of the suite share. Each class is a group of promises; each test starts an engine of its own,
/// with the handlers <c>work</c> (does what the test says), <c>same</c> (returns its arguments) and <c>fail</c>
/// (throws them as a message). </summary>
public abstract class EngineTests(EngineFixture fixture) : IAsyncLifetime
{
    protected static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    protected static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private IJobEngine? _engine;
    private Action<HandlerRegistry>? _more;

    protected EngineFixture Fixture => fixture;

    protected ManualTime Time => fixture.Time;

    protected Workbench Work { get; } = new();

    protected IJobEngine Engine =>
        _engine ?? throw new InvalidOperationException("The test has not started the engine.");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    private HandlerRegistry StandardHandlers() => new HandlerRegistry()
        .Handle<JsonElement, object?>("work", Work.NewHandler())
        .Handle<JsonElement, JsonElement>("same", (args, _) => args)
        .Handle<string, string>("fail", string (message, _) => throw new InvalidOperationException(message));

    protected async Task<GranaryClient> StartAsync(Action<HandlerRegistry>? more = null)
    {
        _more = more;
        return await StartAgainAsync();
    }

    /// <summary>Crashes the engine and starts another one, with the same handlers unless others are given.</summary>
    protected async Task<GranaryClient> RestartAsync(HandlerRegistry? others = null)
    {
        await fixture.CrashAsync().Soon();
        return await StartAgainAsync(others);
    }

    /// <summary>Starts another engine on the store of one that was stopped or has crashed.</summary>
    protected async Task<GranaryClient> StartAgainAsync(HandlerRegistry? others = null)
    {
        HandlerRegistry handlers = StandardHandlers();
        _more?.Invoke(handlers);
        _engine = await fixture.StartAsync(others ?? handlers).Soon();
        return new GranaryClient(_engine, Time);
    }

    protected static TaskItem Do(string name, TaskOptions? options = null) => Item.Task("work", name, options);

    protected static BatchOptions Pool(int size) => new() { MaxConcurrency = size };

    protected static async Task<RefusedException> RefusedAsync(Refusal refusal, Func<Task> request)
    {
        RefusedException refused = await Assert.ThrowsAsync<RefusedException>(() => request().Soon());
        Assert.Equal(refusal, refused.Refusal);
        return refused;
    }

    protected static async Task<List<T>> ListAsync<T>(IAsyncEnumerable<T> source)
    {
        var list = new List<T>();
        await foreach (T item in source) list.Add(item);
        return list;
    }

    protected static async Task<PendingTask[]> PendingAsync(JobHandle job) =>
        [.. await ListAsync(job.ListPendingAsync()).Soon()];

    /// <summary>Waits until the engine shows a pending task in this state for this reason, and returns it.</summary>
    protected static async Task<PendingTask> PendingAsync(JobHandle job, string path, JobState state, Reason reason)
    {
        PendingTask? found = null;
        await SoonExtensions.Eventually(
            async () =>
            {
                found = Array.Find(await PendingAsync(job), task => task.Path == path);
                return found is not null && found.State == state && found.Reason == reason;
            },
            $"{path} is {state} ({reason})");
        return found!;
    }

    /// <summary>Waits until the engine shows that a task was asked to stop.</summary>
    protected static Task CancelingAsync(JobHandle job, string path) => SoonExtensions.Eventually(
        async () => (await PendingAsync(job)).Any(task => task.Path == path && task.State == JobState.Canceling),
        $"{path} is Canceling");

    /// <summary>Waits until the engine shows so many running tasks.</summary>
    protected static Task RunningAsync(JobHandle job, int count) => SoonExtensions.Eventually(
        async () => (await job.StatusAsync()).Counts.Running == count, $"{count} tasks run");

    protected static async Task<JobStatus> EndedAsync(JobHandle job)
    {
        await SoonExtensions.Eventually(async () => (await job.StatusAsync()).State.IsEnd(), "the job has ended");
        return await job.StatusAsync();
    }

    /// <summary>Waits until it is durable that a task's attempt has started, so that a crash cannot undo it.</summary>
    protected static Task StartedAsync(JobHandle job, string path, int attempts) => SoonExtensions.Eventually(
        async () => (await PendingAsync(job)).Any(
            task => task.Path == path && task.State == JobState.Running && task.Attempts == attempts),
        $"attempt {attempts} of {path} runs");

    /// <summary>Waits until so many completions are durable.</summary>
    protected static Task CompletedAsync(JobHandle job, int count) => SoonExtensions.Eventually(
        async () => (await job.StatusAsync()).CompletionCount == count, $"{count} items are complete");

    /// <summary>The completions that an engine shows now.</summary>
    protected async Task<List<Outcome>> ShownAsync(JobId job)
    {
        var shown = new List<Outcome>();
        while (true)
        {
            CompletionPage page = await Engine.ReadCompletionsAsync(job, shown.Count, 1_000, TimeSpan.Zero).Soon();
            if (page.Outcomes.Count == 0) return shown;
            shown.AddRange(page.Outcomes);
        }
    }

    protected static void AssertOutcome<T>(TaskOutcome<T> outcome, JobState state, Reason reason = Reason.None) =>
        Assert.Equal((state, reason), (outcome.State, outcome.Reason));
}
