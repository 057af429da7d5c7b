using System.Net;
using System.Net.Sockets;

namespace Granary;

/// <summary>How <see cref="HttpHandler"/> connects.</summary>
internal static class HttpConnections
{
    /// <param name="filter">Asked for every address before it is connected to; null for no such check.</param>
    public static HttpMessageInvoker Create(Func<IPAddress, bool>? filter)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            AutomaticDecompression = DecompressionMethods.All,
            UseCookies = false,
        };
        if (filter is not null)
        {
            // Through a proxy the filter would see only the proxy's address.
            handler.UseProxy = false;
            handler.ConnectCallback = (context, stop) => ConnectAsync(context.DnsEndPoint, filter, stop);
        }
        return new HttpMessageInvoker(handler);
    }

    public static TaskFailedException Failure(string what, HttpRequestException e) =>
        e.InnerException is AddressRefusedException refused
        ? new($"{what}: {refused.Message}", e) { Type = "HttpAddressRefused", Retryable = false }
        : new($"{what} did not get an answer: {e.Message}", e) { Type = "HttpConnection" };

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint to, Func<IPAddress, bool> filter, CancellationToken stop)
    {
        IPAddress[] found = await Dns.GetHostAddressesAsync(to.Host, stop);
        IPAddress[] allowed = [.. found.Where(a => filter(a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a))];
        if (allowed.Length == 0 && found.Length > 0) throw new AddressRefusedException(to.Host);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, to.Port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class AddressRefusedException(string host) : Exception(
        $"the address of '{host}' is not allowed here.");
}
