using System.Diagnostics;

namespace Granary.Silo.Tests;

/// <summary>What the README promises a newcomer: a silo and a client, and the same program without them.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("granary-cluster-sample-");

    public void Dispose() => _work.Delete(recursive: true);

    [Fact]
    public async Task The_client_runs_its_jobs_on_a_silo()
    {
        await using SiloProcess silo = await SiloProcess.StartAsync();
        CheckLines(await RunAsync(
            "--Orleans:Clustering:ProviderType=Static",
            $"--Orleans:Clustering:Gateways:0=127.0.0.1:{silo.Ports.Gateway}"));
    }

    [Fact]
    public async Task The_same_program_runs_its_jobs_in_itself() => CheckLines(await RunAsync("--embedded"));

    private static void CheckLines(string[] lines)
    {
        Assert.Equal(11, lines.Length);
        Assert.Equal(
            ["0: each", "1: word", "2: is", "3: a", "4: task", "5: that", "6: a", "7: silo", "8: runs"],
            lines[..9].Order(StringComparer.Ordinal));
        Assert.Equal(["each word is a task that a silo runs", "and a chain waits"], lines[9..]);
    }

    private async Task<string[]> RunAsync(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "cluster.dll");
        string[] quiet = ["--Logging:LogLevel:Default=None"];
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [program, .. quiet, .. arguments])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = _work.FullName,
        })!;
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
    }
}
