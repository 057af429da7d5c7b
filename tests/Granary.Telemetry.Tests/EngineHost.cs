namespace Granary.Telemetry.Tests;

/// <summary>An embedded engine on a store that outlives its crashes.</summary>
internal sealed class EngineHost(HandlerRegistry handlers, TelemetryOptions? options = null) : IAsyncDisposable
{
    private readonly MemoryJobStore _store = new();
    private EmbeddedEngine? _engine;

    public EmbeddedEngine Engine => _engine!;

    public MemoryJobStore Store => _store;

    public async Task<GranaryClient> StartAsync(HandlerRegistry? others = null)
    {
        _engine = await EmbeddedEngine.StartAsync(
            _store, others ?? handlers,
            new EmbeddedOptions { Telemetry = options ?? new TelemetryOptions(), DrainTimeout = TimeSpan.Zero });
        return new GranaryClient(_engine);
    }

    public async Task CrashAsync() => await Engine.CrashAsync();

    /// <summary>Waits until it is durable that a task runs.</summary>
    public Task RunsAsync(JobId job, string path) => SoonExtensions.Eventually(
        async () => (await Engine.ListPendingAsync(job, -1, 1_000))
            .Any(task => task.Path == path && task.State == JobState.Running),
        $"{path} runs");

    /// <summary>Ends the engine; by then every span has ended, and every measurement been made.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_engine is not null) await _engine.DisposeAsync();
    }
}
