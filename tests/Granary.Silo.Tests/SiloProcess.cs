using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace Granary.Silo.Tests;

/// <summary>The silo as it is built, in a process of its own.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(3);
    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(30) };

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private SiloProcess(Ports ports, string[] arguments)
    {
        Ports = ports;
        string program = Path.Combine(AppContext.BaseDirectory, "Granary.Silo.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. ports.Arguments, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public Ports Ports { get; }

    public string Output => string.Join('\n', _lines);

    /// <summary>Starts one that may not come up.</summary>
    public static SiloProcess Start(params string[] arguments) => new(Ports.Free(), arguments);

    /// <summary>Starts one, and waits until it is ready.</summary>
    public static async Task<SiloProcess> StartAsync(params string[] arguments)
    {
        SiloProcess silo = Start(arguments);
        await silo.UntilAsync("/health/ready", HttpStatusCode.OK);
        return silo;
    }

    /// <summary>Waits until a health endpoint answers so; fails when the process has ended before.</summary>
    public async Task UntilAsync(string path, HttpStatusCode expected)
    {
        var hang = Stopwatch.StartNew();
        while (await AskAsync(path) != expected)
        {
            Assert.True(hang.Elapsed < s_hang && !_process.HasExited, $"{path} never was {expected}:\n{Output}");
            await Task.Delay(50);
        }
    }

    /// <summary>The answer of a health endpoint; null if there is none.</summary>
    public async Task<HttpStatusCode?> AskAsync(string path)
    {
        try
        {
            using HttpResponseMessage answer = await s_http.GetAsync(new Uri($"http://127.0.0.1:{Ports.Health}{path}"));
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>As kill -9 does it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_hang);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is not null) _lines.Enqueue(line);
    }
}
