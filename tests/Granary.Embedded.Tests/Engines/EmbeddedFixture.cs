using Granary.Conformance.Engines;
using Granary.Engines;
using Granary.Stores;

namespace Granary.Embedded.Tests.Engines;

/// <summary>The embedded engine on a store that outlives it.</summary>
public abstract class EmbeddedFixture : EngineFixture
{
    private EmbeddedEngine? _engine;
    private IJobStore? _store;

    public override async Task<IJobEngine> StartAsync(HandlerRegistry handlers)
    {
        _store = await OpenAsync();
        var options = new EmbeddedOptions
        {
            Time = Time,
            MaxArgumentBytes = Settings.MaxArgumentBytes,
            MaxResultBytes = Settings.MaxResultBytes,
            MissingHandlerTimeout = Settings.MissingHandlerTimeout,
            DrainTimeout = TimeSpan.Zero,
        };
        return _engine = await EmbeddedEngine.StartAsync(_store, handlers, options);
    }

    public override async Task StopAsync()
    {
        await _engine!.StopAsync(CancellationToken.None);
        await CloseAsync();
    }

    public override async Task CrashAsync()
    {
        await _engine!.CrashAsync();
        await CloseAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_engine is not null) await CrashAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store; what it kept before is in it.</summary>
    protected abstract Task<IJobStore> OpenAsync();

    /// <summary>Lets go of the store as a process does that ends.</summary>
    protected abstract ValueTask CloseAsync(IJobStore store);

    private async Task CloseAsync()
    {
        _engine = null;
        await CloseAsync(_store!);
    }
}
