using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Granary.Core.Tests.Handlers;

/// <summary>
/// A web server on the loopback that answers every request with the bytes it was made with, and keeps what it was
/// sent.
/// </summary>
internal sealed class HttpServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, byte[]> _answer;

    public HttpServer(string answer) : this(_ => Encoding.UTF8.GetBytes(answer)) { }

    public HttpServer(Func<string, byte[]> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = ServeAsync();
    }

    public ConcurrentQueue<string> Requests { get; } = new();

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/path";

    public static string Response(string status, string body, string headers = "") =>
        $"HTTP/1.1 {status}\r\nConnection: close\r\n"
        + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}\r\n{body}";

    public static string Json(string body) => Response("200 OK", body, "Content-Type: application/json\r\n");

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                NetworkStream stream = client.GetStream();
                string request = await ReadAsync(stream);
                Requests.Enqueue(request);
                await stream.WriteAsync(_answer(request));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
        }
    }

    private static async Task<string> ReadAsync(NetworkStream stream)
    {
        byte[] buffer = new byte[64 * 1024];
        string text = "";
        while (!IsWhole(text))
        {
            int read = await stream.ReadAsync(buffer);
            if (read == 0) break;
            text += Encoding.UTF8.GetString(buffer, 0, read);
        }
        return text;
    }

    private static bool IsWhole(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return false;
        string? length = text[..end].Split("\r\n")
            .FirstOrDefault(h => h.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        return length is null || Encoding.UTF8.GetByteCount(text[(end + 4)..]) >= int.Parse(length[16..], null);
    }
}
