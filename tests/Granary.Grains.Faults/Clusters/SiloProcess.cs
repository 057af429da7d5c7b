using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Granary.Grains.Faults.Silos;

namespace Granary.Grains.Faults.Clusters;

/// <summary>A silo in a process of its own.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private const int SigKill = 9, SigTerm = 15;
    private static readonly int s_sigStop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int s_sigCont = OperatingSystem.IsMacOS() ? 19 : 18;
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Granary.Grains.Faults.dll");

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private long _endedAt;

    public SiloProcess(SiloSettings settings)
    {
        Settings = settings;
        string[] command =
            [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", s_program, .. settings.ToArguments()];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Exited += (_, _) => Interlocked.CompareExchange(ref _endedAt, Stopwatch.GetTimestamp(), 0);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public SiloSettings Settings { get; }

    public bool IsRunning => !_process.HasExited;

    /// <summary>When it ended, by the clock of the diaries; the end of time as long as it runs.</summary>
    public long EndedAt => IsRunning ? long.MaxValue : Interlocked.Read(ref _endedAt) is var at and > 0 ? at : 0;

    public IReadOnlyCollection<string> Output => _output;

    /// <summary>Dead at once.</summary>
    public async Task KillAsync()
    {
        Signal(SigKill);
        await _process.WaitForExitAsync();
        Interlocked.CompareExchange(ref _endedAt, Stopwatch.GetTimestamp(), 0);
    }

    public void Freeze() => Signal(s_sigStop);

    public void Thaw() => Signal(s_sigCont);

    /// <summary>Asks it to stop, and waits until it has.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        Signal(SigTerm);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>What the silo ran, whatever became of it.</summary>
    public IEnumerable<DiaryLine> ReadDiary()
    {
        foreach (string line in File.ReadLines(Settings.Diary))
            if (DiaryLine.Parse(line) is { } read) yield return read;
    }

    public async ValueTask DisposeAsync()
    {
        if (IsRunning) await KillAsync();
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (IsRunning) _ = Kill(_process.Id, signal);
    }

    private void Note(string? line)
    {
        if (line is null) return;
        _output.Enqueue(line);
        while (_output.Count > 2_000) _output.TryDequeue(out _);
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"silo {Settings.SiloPort} of {Settings.Cluster}");

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}
