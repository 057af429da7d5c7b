namespace Granary.Conformance.Engines;

/// <summary>One engine under test, with its store. Made for one test.</summary>
public abstract class EngineFixture : IAsyncDisposable
{
    /// <summary>The engine's clock.</summary>
    public ManualTime Time { get; } = new();

    /// <summary>What the tests need to be small; engines take it from here when they start.</summary>
    public EngineSettings Settings { get; set; } = new();

    /// <summary>Starts an engine on the store; the store is empty the first time.</summary>
    public abstract Task<IJobEngine> StartAsync(HandlerRegistry handlers);

    /// <summary>Stops the engine as an orderly shutdown does. Handlers that run are signaled at once.</summary>
    public abstract Task StopAsync();

    /// <summary>Abandons the engine, as <c>kill -9</c> does: it writes nothing more and starts nothing more, and the
    /// store keeps what was durable.</summary>
    public abstract Task CrashAsync();

    /// <summary>Crashes and starts another engine on the same store.</summary>
    public async Task<IJobEngine> RestartAsync(HandlerRegistry handlers)
    {
        await CrashAsync();
        return await StartAsync(handlers);
    }

    public abstract ValueTask DisposeAsync();
}

/// <summary>The settings of an engine that tests choose.</summary>
public sealed record EngineSettings
{
    public int MaxArgumentBytes { get; init; } = JobDefaults.MaxArgumentBytes;

    public int MaxResultBytes { get; init; } = JobDefaults.MaxResultBytes;

    public TimeSpan MissingHandlerTimeout { get; init; } = JobDefaults.MissingHandlerTimeout;
}
