using System.Diagnostics;
using Xunit;

namespace Granary.Samples.Tests;

/// <summary>Runs what was built beside the tests, as a process of its own.</summary>
internal static class SampleProcess
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(2);

    /// <summary>The directory of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The program of a project, built in the same configuration as the tests.</summary>
    public static string Program(string project, string name)
    {
        string[] built = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(
            Path.DirectorySeparatorChar);
        return Path.Combine(Root, project, "bin", built[^2], built[^1], $"{name}.dll");
    }

    /// <summary>Runs a sample and returns the lines it prints; fails the test unless it ends with exit code
    /// 0.</summary>
    public static Task<string[]> RunSampleAsync(string name) =>
        RunAsync("dotnet", [Program(Path.Combine("samples", name), name)]);

    public static async Task<string[]> RunAsync(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Root,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(s_hang);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"It did not end. It printed:\n{await output}\n{await errors}");
        }
        Assert.True(process.ExitCode == 0, $"Exit code {process.ExitCode}:\n{await output}\n{await errors}");
        return (await output).TrimEnd().ReplaceLineEndings("\n").Split('\n');
    }

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Orleans.sln")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("The tests run inside the repository.");
    }
}
