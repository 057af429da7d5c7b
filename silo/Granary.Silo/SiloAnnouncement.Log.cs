using Microsoft.Extensions.Logging;

namespace Granary.Silo;

internal sealed partial class SiloAnnouncement
{
    [LoggerMessage(1, LogLevel.Information,
        "The silo is up. Store: {Store}. Clustering: {Clustering}. Clients connect to port {GatewayPort}, health is at "
        + "port {HealthPort}. Handlers: {Handlers}.")]
    private static partial void Up(
        ILogger logger, string store, string clustering, int gatewayPort, int healthPort, string handlers);

    [LoggerMessage(2, LogLevel.Information,
        "The silo stops. It takes no new tasks; what runs has {DrainTimeout} to finish, and is handed over then.")]
    private static partial void Draining(ILogger logger, TimeSpan drainTimeout);

    [LoggerMessage(3, LogLevel.Warning,
        "Anyone who can reach the gateway or silo port can submit work and read results: Orleans authenticates nobody. "
        + "Set Granary:Tls, or let only trusted machines reach these ports.")]
    private static partial void Open(ILogger logger);
}
