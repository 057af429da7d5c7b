using System.Net;
using System.Net.Sockets;

namespace Granary.Silo.Tests;

/// <summary>Ports for a silo: below those that outgoing connections take, and free when looked at.</summary>
internal sealed record Ports(int Silo, int Gateway, int Health)
{
    private static int s_next = Random.Shared.Next(12_000, 30_000);

    public static Ports Free() => new(Next(), Next(), Next());

    public string[] Arguments =>
    [
        $"--Orleans:Endpoints:SiloPort={Silo}", $"--Orleans:Endpoints:GatewayPort={Gateway}",
        $"--Granary:HealthPort={Health}",
    ];

    private static int Next()
    {
        while (true)
        {
            int port = 12_000 + Interlocked.Increment(ref s_next) % 20_000;
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.DualMode = true;
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }
}
