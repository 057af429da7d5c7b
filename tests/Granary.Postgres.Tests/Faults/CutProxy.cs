using System.Net;
using System.Net.Sockets;

namespace Granary.Postgres.Tests.Faults;

/// <summary>Where a connection is cut.</summary>
public enum Cut
{
    /// <summary>The next request is lost on its way to the server.</summary>
    BeforeTheRequest = 1,

    /// <summary>The next request arrives and is carried out; its answer is lost.</summary>
    BeforeTheAnswer = 2,

    /// <summary>The next request is kept, and arrives when the client has long gone on.</summary>
    RequestArrivesLate = 3,
}

/// <summary>Stands between a store and its server, and cuts the connection at a chosen place.</summary>
internal sealed class CutProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _server;
    private readonly List<(Socket Server, byte[] Request)> _late = [];
    private volatile int _armed;
    private volatile bool _isRefusing;

    public CutProxy(string serverSocket)
    {
        _server = serverSocket;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string ConnectionString =>
        $"Host=127.0.0.1;Port={((IPEndPoint)_listener.LocalEndpoint).Port};Username=postgres;Database=postgres";

    /// <summary>Cuts the connection of the next request.</summary>
    public void Arm(Cut cut) => _armed = (int)cut;

    /// <summary>Whether connections are refused.</summary>
    public bool IsRefusing
    {
        get => _isRefusing;
        set => _isRefusing = value;
    }

    /// <summary>Lets the kept requests arrive, and waits until the server has done with them.</summary>
    public async Task DeliverAsync()
    {
        foreach ((Socket server, byte[] request) in _late)
        {
            try
            {
                await server.SendAsync(request);
                server.Shutdown(SocketShutdown.Send);
                var answer = new byte[4096];
                while (await server.ReceiveAsync(answer) > 0) { }
            }
            catch (SocketException)
            {
                // The server had ended the session.
            }
            server.Dispose();
        }
        _late.Clear();
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach ((Socket server, _) in _late) server.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync();
                if (_isRefusing) client.Dispose();
                else _ = CarryAsync(client);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        client.NoDelay = true;
        var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await server.ConnectAsync(new UnixDomainSocketEndPoint(_server));
        var carrying = new Carrying(client, server);
        await Task.WhenAll(RequestsAsync(carrying), AnswersAsync(carrying));
    }

    private async Task RequestsAsync(Carrying at)
    {
        var bytes = new byte[65536];
        try
        {
            while (await at.Client.ReceiveAsync(bytes) is > 0 and int count)
            {
                var cut = (Cut)Interlocked.Exchange(ref _armed, 0);
                if (cut == Cut.RequestArrivesLate) _late.Add((at.Server, bytes[..count]));
                if (cut is Cut.BeforeTheRequest or Cut.RequestArrivesLate)
                {
                    at.Client.Dispose();
                    if (cut == Cut.BeforeTheRequest) at.Server.Dispose();
                    return;
                }
                at.IsLastRequest = cut == Cut.BeforeTheAnswer;
                await at.Server.SendAsync(bytes.AsMemory(0, count));
            }
            at.Server.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            at.Server.Dispose();
        }
    }

    private static async Task AnswersAsync(Carrying at)
    {
        var bytes = new byte[65536];
        try
        {
            while (await at.Server.ReceiveAsync(bytes) is > 0 and int count)
            {
                if (at.IsLastRequest) break;
                await at.Client.SendAsync(bytes.AsMemory(0, count));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Cut elsewhere.
        }
        at.Client.Dispose();
    }

    private sealed class Carrying(Socket client, Socket server)
    {
        public Socket Client { get; } = client;

        public Socket Server { get; } = server;

        public volatile bool IsLastRequest;
    }
}
