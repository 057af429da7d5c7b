using System.Runtime.InteropServices;
using Granary.Engines;

namespace Granary.Cli;

/// <summary>Keys that change a live run: + and - the pool, p pause and resume, c cancel what is pending.</summary>
internal sealed class RunKeys(StandardError error, IJobEngine engine, JobId job)
{
    public const string Legend = "keys: + - p c";

    /// <summary>Whether there is a terminal to read keys from, and this process is in its foreground.</summary>
    public static bool Available => !Console.IsInputRedirected && !OperatingSystem.IsWindows()
        ? tcgetpgrp(0) == getpgrp()
        : !Console.IsInputRedirected;

    /// <summary>Reads keys until the process ends. A thread of its own: reading a key cannot be canceled.</summary>
    public void Start() => new Thread(Read) { IsBackground = true, Name = "keys" }.Start();

    private void Read()
    {
        try
        {
            while (true) PressAsync(Console.ReadKey(intercept: true).KeyChar).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is InvalidOperationException or IOException)
        {
            // The terminal has gone; the run goes on without keys.
        }
    }

    private async Task PressAsync(char key)
    {
        try
        {
            JobStatus status = await engine.GetStatusAsync(job);
            switch (key)
            {
                case '+' or '=':
                    await ResizeAsync(status.MaxConcurrency + 1);
                    break;
                case '-' or '_':
                    await ResizeAsync(Math.Max(1, status.MaxConcurrency - 1));
                    break;
                case 'p' or 'P' when status.Paused:
                    await engine.ResumeAsync(job);
                    error.Say("resumed");
                    break;
                case 'p' or 'P':
                    await engine.PauseAsync(job);
                    error.Say("paused: nothing new starts until p is pressed again");
                    break;
                case 'c' or 'C':
                    await engine.CancelAsync(job, CancelScope.Pending);
                    error.Say("what had not started is canceled");
                    break;
            }
        }
        catch (Exception e) when (e is RefusedException or Stores.StoreException or ObjectDisposedException)
        {
            error.Say(e.Message);
        }
    }

    private async Task ResizeAsync(int size)
    {
        await engine.ResizeAsync(job, size);
        error.Say($"{size} at once");
    }

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int tcgetpgrp(int descriptor);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int getpgrp();
}
