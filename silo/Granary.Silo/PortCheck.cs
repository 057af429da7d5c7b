using System.Net;
using System.Net.Sockets;
using Granary.Silo.Settings;
using Microsoft.Extensions.Hosting;

namespace Granary.Silo;

/// <summary>
/// Refuses ports that another process listens on. Orleans would share them with it, and each would get some of the
/// connections.
/// </summary>
internal sealed class PortCheck(SiloSettings settings) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Check("Orleans:Endpoints:SiloPort", settings.SiloPort);
        if (settings.GatewayPort != 0) Check("Orleans:Endpoints:GatewayPort", settings.GatewayPort);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Check(string name, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new InvalidOperationException(
                $"{name} is {port}, which another process listens on. Set it to a free port.", e);
        }
    }
}
