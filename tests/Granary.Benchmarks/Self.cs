using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>This program again, in a process of its own.</summary>
internal static class Self
{
    /// <returns>Whether it ended well.</returns>
    public static async Task<bool> RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        // Under 'dotnet run' the process is the program itself; under 'dotnet x.dll' it is dotnet.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (string arg in args) start.ArgumentList.Add(arg);
        using Process child = Process.Start(start)!;
        await child.WaitForExitAsync();
        return child.ExitCode == 0;
    }
}
