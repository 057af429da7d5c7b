using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Granary.Silo.Tests;

/// <summary>A web server that answers when the test says so: what an <c>http</c> task waits for.</summary>
internal sealed class Gate : IDisposable
{
    private static readonly byte[] s_answer =
        Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SemaphoreSlim _entered = new(0);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _answered;

    public Gate()
    {
        _listener.Start();
        _ = ServeAsync();
    }

    public string Address => $"http://{_listener.LocalEndpoint}/";

    /// <summary>How many requests have been answered.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Completes when the next one has come, and waits here.</summary>
    public async Task EnteredAsync() => Assert.True(await _entered.WaitAsync(TimeSpan.FromMinutes(3)));

    public void Open() => _open.TrySetResult();

    public void Dispose()
    {
        _listener.Dispose();
        _open.TrySetResult();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true) _ = AnswerAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        using var stream = new NetworkStream(connection, ownsSocket: true);
        using var reader = new StreamReader(stream, leaveOpen: true);
        while (!string.IsNullOrEmpty(await reader.ReadLineAsync())) continue;
        _entered.Release();
        await _open.Task;
        Interlocked.Increment(ref _answered);
        await stream.WriteAsync(s_answer);
    }
}
