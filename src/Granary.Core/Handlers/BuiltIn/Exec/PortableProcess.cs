using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Granary;

/// <summary>
/// A child process by way of the framework, where there is no POSIX. It cannot be asked to stop, only ended.
/// </summary>
internal sealed class PortableProcess(ProcessSpec spec, CapturedOutput output, CapturedOutput errors) : ChildProcess
{
    private readonly Process _process = new() { StartInfo = StartInfo(spec) };

    public override async Task<int> RunAsync()
    {
        Start();
        Task reading = Task.WhenAll(
            CopyAsync(_process.StandardOutput.BaseStream, output),
            CopyAsync(_process.StandardError.BaseStream, errors));
        await FeedAsync();
        await reading;
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public override void Terminate() => KillTree();

    public override bool IsTreeAlive() => !_process.HasExited;

    public override bool KillTree()
    {
        if (_process.HasExited) return false;
        _process.Kill(entireProcessTree: true);
        return true;
    }

    public override void Dispose() => _process.Dispose();

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        var info = new ProcessStartInfo(spec.Args.Argv[0], spec.Args.Argv.AsSpan(1).ToArray())
        {
            WorkingDirectory = spec.Args.Cwd ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
        };
        // Ctrl-C in a terminal is for Granary, which then decides about what it runs.
        if (OperatingSystem.IsWindows()) info.CreateNewProcessGroup = true;
        info.Environment.Clear();
        foreach ((string name, string value) in spec.Environment) info.Environment[name] = value;
        return info;
    }

    private void Start()
    {
        try
        {
            _process.Start();
        }
        catch (Win32Exception e) when (e.NativeErrorCode is 2 or 3)
        {
            throw NotFound(spec.Args.Argv[0]);
        }
        catch (Win32Exception e)
        {
            throw NotStarted(spec.Args.Argv[0], e.Message, retryable: true);
        }
    }

    private async Task FeedAsync()
    {
        try
        {
            await _process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(spec.Args.Stdin ?? ""));
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not want all of its input: its business.
        }
    }

    private static async Task CopyAsync(Stream from, CapturedOutput to)
    {
        byte[] buffer = new byte[4096];
        for (int read; (read = await from.ReadAsync(buffer)) > 0;) to.Append(buffer.AsSpan(0, read));
    }
}
