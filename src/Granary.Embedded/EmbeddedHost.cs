using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Embedded;

/// <summary>Starts the engine with the host and stops it with the host, store included.</summary>
internal sealed class EmbeddedHost(
    IServiceProvider services,
    HandlerRegistry handlers,
    Func<CancellationToken, Task<IJobStore>> open,
    Func<EmbeddedOptions, EmbeddedOptions> configure) : IHostedService, IAsyncDisposable
{
    private IJobStore? _store;
    private EmbeddedEngine? _engine;

    /// <summary>The engine.</summary>
    /// <exception cref="InvalidOperationException">The host has not started it.</exception>
    public EmbeddedEngine Engine => _engine ?? throw new InvalidOperationException(
        "Granary's engine has not been started: start the host before a client is asked for.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        EmbeddedOptions options = configure(new EmbeddedOptions
        {
            Services = services,
            Logging = services.GetRequiredService<ILoggerFactory>(),
            Time = services.GetService<TimeProvider>() ?? TimeProvider.System,
        });
        _store = await open(cancellationToken);
        _engine = await EmbeddedEngine.StartAsync(_store, handlers, options, cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_engine is not null) await _engine.StopAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null) await _engine.DisposeAsync();
        if (_store is not null) await _store.DisposeAsync();
    }
}
