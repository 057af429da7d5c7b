using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Granary.Conformance.Stores;
using Granary.Embedded;
using Granary.Engines;
using Granary.Stores;
using Xunit;

namespace Granary.Postgres.Tests.Faults;

/// <summary>
/// The embedded engine goes on while its server is killed, stopped, restarted or frozen under load: nothing that was
/// acknowledged is lost, nothing that was shown changes, nothing ends twice, and everything comes to its end.
/// </summary>
public sealed class ServerFaultTests : IAsyncLifetime
{
    private const int Tasks = 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<JobId, ConcurrentDictionary<int, Outcome>> _shown = [];
    private PostgresServer _server = null!;
    private PostgresJobStore _store = null!;
    private volatile EmbeddedEngine? _engine;
    private int _isOver;

    private EmbeddedEngine Engine => _engine ?? throw new ObjectDisposedException("The engine is being replaced.");

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.LaunchAsync();
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public Task Killed_and_started_again() => UnderLoadAsync(rounds: 5, async () =>
    {
        await _server.KillAsync();
        await _server.StartAsync();
    });

    [Fact]
    public Task Stopped_in_order_for_up_to_two_seconds() => UnderLoadAsync(rounds: 5, async () =>
    {
        await _server.StopAsync();
        await Task.Delay(Random.Shared.Next(2_000));
        await _server.StartAsync();
    });

    [Fact]
    public Task Frozen_for_up_to_two_seconds() => UnderLoadAsync(rounds: 5, async () =>
    {
        _server.Freeze();
        await Task.Delay(Random.Shared.Next(2_000));
        _server.Thaw();
    });

    [Fact]
    public Task Every_session_ended_by_an_operator() => UnderLoadAsync(rounds: 20, async () =>
        await _server.AskAsync(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'granary'"));

    [Fact]
    public Task The_engine_killed_together_with_its_server() => UnderLoadAsync(rounds: 3, async () =>
    {
        await _server.KillAsync();
        EmbeddedEngine dead = Engine;
        _engine = null;
        await dead.CrashAsync();
        await _store.DisposeAsync();
        await _server.StartAsync();
        await StartAsync();
    });

    // Clients submit batches and read them while the fault happens again and again; then all of it is checked.
    private async Task UnderLoadAsync(int rounds, Func<Task> fault)
    {
        var acknowledged = new ConcurrentBag<(JobId Job, int First)>();
        Task[] clients = [.. Enumerable.Range(0, 4).Select(n => Task.Run(() => SubmitAsync(n, acknowledged)))];
        for (int round = 0; round < rounds; round++)
        {
            int before = acknowledged.Count;
            await SoonAsync(() => acknowledged.Count >= before + 20, "clients submit");
            await fault();
        }
        Volatile.Write(ref _isOver, 1);
        await Task.WhenAll(clients).WaitAsync(s_patience);

        await using PostgresJobStore other =
            await Databases.OpenAsync(_server, "granary", options => options with { ReadOnly = true });
        foreach ((JobId job, int first) in acknowledged) await CheckAsync(other, job, first);
        Assert.Empty(await other.CheckAsync(default));
        Assert.True(acknowledged.Count >= rounds * 20);
    }

    private async Task SubmitAsync(int client, ConcurrentBag<(JobId Job, int First)> acknowledged)
    {
        for (int n = client * 1_000_000; Volatile.Read(ref _isOver) == 0; n += Tasks)
        {
            int first = n;
            JobSpec spec = new() { Kind = JobKind.Batch, MaxConcurrency = 4, Key = $"batch {first}" };
            // With its key, a submission whose outcome is unknown is safe to try again.
            Submission submission = await AgainAsync(() => Engine.SubmitAsync(spec, Items(first)));
            acknowledged.Add((submission.Job, first));
            await AgainAsync(() => ReadAsync(submission.Job));
        }
    }

    // What is shown once must be there at every later look.
    private async Task<int> ReadAsync(JobId job)
    {
        CompletionPage page = await Engine.ReadCompletionsAsync(job, 0, 1_000, TimeSpan.FromMilliseconds(5));
        Remember(job, page.Outcomes);
        return page.Outcomes.Count;
    }

    private void Remember(JobId job, IReadOnlyList<Outcome> outcomes)
    {
        ConcurrentDictionary<int, Outcome> shown = _shown.GetOrAdd(job, static _ => []);
        foreach (Outcome outcome in outcomes)
        {
            Outcome known = shown.GetOrAdd(outcome.Sequence, outcome);
            Assert.Equal((known.Index, known.State, known.Attempts), (outcome.Index, outcome.State, outcome.Attempts));
        }
    }

    private async Task CheckAsync(PostgresJobStore store, JobId job, int first)
    {
        await SoonAsync(async () => (await AgainAsync(() => Engine.GetStatusAsync(job))).State.IsEnd(), $"{job} ends");
        var reader = new ReadOnlyEngine(store);
        CompletionPage page = await reader.ReadCompletionsAsync(job, 0, 1_000, TimeSpan.Zero);
        Assert.Equal(Enumerable.Range(1, Tasks), page.Outcomes.Select(outcome => outcome.Sequence));
        Assert.Equal(Enumerable.Range(0, Tasks), page.Outcomes.Select(outcome => outcome.Index).Order());
        Assert.All(page.Outcomes, outcome => Assert.Equal(JobState.Succeeded, outcome.State));
        Assert.All(page.Outcomes, outcome => Assert.Equal(
            $"{first + outcome.Index + 1}", Encoding.UTF8.GetString(outcome.Value.Span)));
        Remember(job, page.Outcomes);
    }

    private static async IAsyncEnumerable<Item> Items(int first)
    {
        for (int i = 0; i < Tasks; i++) yield return Item.Task("add", first + i);
        await Task.CompletedTask;
    }

    private async Task StartAsync()
    {
        _store = await Databases.OpenAsync(_server, "granary");
        HandlerRegistry handlers = new HandlerRegistry().Handle<int, int>("add", (n, _) => Task.FromResult(n + 1));
        _engine = await EmbeddedEngine.StartAsync(_store, handlers);
    }

    private async Task StopAsync()
    {
        if (_engine is { } engine) await engine.DisposeAsync();
        await _store.DisposeAsync();
    }

    // As a client does it: what the server cannot do now it may do soon, and so may the next engine.
    private static async Task<T> AgainAsync<T>(Func<Task<T>> request)
    {
        for (long start = Stopwatch.GetTimestamp(); ; await Task.Delay(20))
        {
            try
            {
                // What is asked of an engine that is crashed meanwhile may never be answered.
                return await request().WaitAsync(s_answer);
            }
            catch (Exception error) when (IsPassing(error) && Stopwatch.GetElapsedTime(start) < s_patience)
            {
                // Again.
            }
        }
    }

    private static bool IsPassing(Exception error) => error switch
    {
        StoreException store => store.IsTransient,
        RefusedException refused => refused.Refusal == Refusal.Stopping,
        _ => error is ObjectDisposedException or TimeoutException,
    };

    private static Task SoonAsync(Func<bool> holds, string what) => SoonAsync(() => Task.FromResult(holds()), what);

    private static async Task SoonAsync(Func<Task<bool>> holds, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"It never came to pass that {what}.");
            await Task.Delay(10);
        }
    }
}
