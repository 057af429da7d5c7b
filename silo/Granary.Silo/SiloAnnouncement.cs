using Granary.Silo.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Silo;

/// <summary>Says what was set up, and when it stops.</summary>
internal sealed partial class SiloAnnouncement(
    SiloSettings settings, HandlerRegistry handlers, ILogger<SiloAnnouncement> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (settings is { Tls: null, Clustering.IsLocalhost: false }) Open(logger);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        string clustering = settings.Clustering.Provider ?? "one silo on this machine";
        string names = string.Join(", ", handlers.Names.Order(StringComparer.Ordinal));
        Up(logger, $"{settings.Store}", clustering, settings.GatewayPort, settings.HealthPort, names);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        Draining(logger, settings.Cluster.DrainTimeout);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
