using System.Net;
using Granary.Activations;
using Granary.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Granary.Grains.Tests.Faults;

/// <summary>What a silo tells the jobs of which it runs tasks.</summary>
public sealed class HeartbeatTests : IAsyncLifetime
{
    private static readonly JobName s_first = new(1, (byte)JobKind.Batch), s_second = new(2, (byte)JobKind.Batch);

    private readonly MemoryJobStore _store = new();
    private readonly ClusterThreads _threads;
    private readonly TaskCompletionSource _end = new();
    private readonly JobStub _silent = new() { Answer = new TaskCompletionSource<StopOrder[]>().Task };
    private readonly JobStub _answering = new();
    private readonly TaskRunner _runner;

    public HeartbeatTests()
    {
        _threads = new ClusterThreads(_store, TimeProvider.System, static _ => { });
        HandlerRegistry handlers = new HandlerRegistry().Handle<int, int>("hang", async (number, task) =>
        {
            await _end.Task;
            return number;
        });
        var settings = new Activations.EngineSettings
        {
            Time = TimeProvider.System,
            Logging = NullLoggerFactory.Instance,
            Services = null,
            MaxArgumentBytes = 1_000,
            MaxResultBytes = 1_000,
            MissingHandlerTimeout = TimeSpan.Zero,
        };
        _runner = new TaskRunner(
            new EngineContext(_store, handlers, settings, _threads), job => job == s_first ? _silent : _answering,
            SiloAddress.New(IPAddress.Loopback, 1, 1), new ClusterOptions { Lease = TimeSpan.FromHours(1) });
        _runner.Start(StartOf(s_first), null!, "first");
        _runner.Start(StartOf(s_second), null!, "second");
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _end.TrySetResult();
        await _threads.DisposeAsync();
    }

    [Fact]
    public void A_job_that_does_not_answer_keeps_no_other_from_being_told()
    {
        for (int i = 0; i < 10; i++) _runner.Heartbeat();

        Assert.Equal((1, 10), (_silent.Beats.Count, _answering.Beats.Count));
    }

    [Fact]
    public async Task What_has_ended_is_named_until_its_outcome_is_durable()
    {
        _end.SetResult();
        await _answering.Reported.Task;

        _runner.Heartbeat();

        RunningWire named = Assert.Single(_answering.Beats[^1].Running);
        Assert.Equal((1, 1, "second"), (named.Node, named.Number, named.Worker));
    }

    private static TaskStart StartOf(JobName job) => new()
    {
        Attempt = new AttemptName(job, 1, 1),
        Index = 0,
        Handler = "hang",
        Args = "1"u8.ToArray(),
        Input = [],
        Timeout = null,
        CancelGrace = TimeSpan.FromSeconds(1),
    };
}
