using System.Diagnostics;

namespace Granary.Crash.Tests;

/// <summary>Finds strace, which kills the victim at a system call and records its writes; installs it where it
/// may.</summary>
internal static class Strace
{
    private static readonly Lazy<string?> s_problem = new(Find);

    /// <summary>Why it cannot be used; null if it can.</summary>
    public static string? Problem => s_problem.Value;

    private static string? Find()
    {
        if (!OperatingSystem.IsLinux()) return "Only Linux has strace, which kills a process at a chosen write.";
        if (Works()) return null;
        foreach (string[] install in new string[][] { ["apt-get"], ["sudo", "-n", "apt-get"] })
            if (Run(install[0], [.. install[1..], "install", "-y", "strace"]) && Works()) return null;
        return "There is no strace that may trace. Install it (apt-get install strace), or allow it.";
    }

    private static bool Works() => Run("strace", ["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]);

    private static bool Run(string program, string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            };
            using Process process = Process.Start(start)!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.StandardInput.Close();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that is skipped where there is no strace.</summary>
internal sealed class StraceFactAttribute : FactAttribute
{
    public StraceFactAttribute()
    {
        if (Strace.Problem is { } problem) Skip = problem;
    }
}
