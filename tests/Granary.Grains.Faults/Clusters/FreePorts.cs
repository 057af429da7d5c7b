using System.Net;
using System.Net.Sockets;

namespace Granary.Grains.Faults.Clusters;

/// <summary>Ports below those that outgoing connections take, and free when looked at.</summary>
internal static class FreePorts
{
    private static int s_next = Random.Shared.Next(20_000);

    public static int Next()
    {
        while (true)
        {
            int port = 12_000 + (int)((uint)Interlocked.Increment(ref s_next) % 20_000);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }
}
