using System.Diagnostics;

namespace Granary.Benchmarks;

/// <summary>
/// W7: <c>granary run --exec true</c> for 5,000 lines, pool of 4; the limit is <c>xargs -P 4 -n 1 true</c>.
/// </summary>
internal static class Processes
{
    private const int N = 5_000;
    private const int Pool = 4;

    public static async Task<Result> RunAsync()
    {
        string directory = Directory.CreateTempSubdirectory("granary-exec-").FullName;
        try
        {
            string list = Path.Combine(directory, "list.txt");
            await File.WriteAllLinesAsync(list, Enumerable.Range(0, N).Select(i => $"{i}"));
            int run = 0;
            (Run[] runs, double[] limits) = await Measure.InTurnAsync(
                async () =>
                    new Run(0, await TimeAsync(Granary(), "run", "-c", $"{Pool}", "--exec", "true", "--from", list,
                    "--db", Path.Combine(directory, $"jobs{run++}.db"), "--quiet"), 0, 0, []),
                async () => N / await TimeAsync("xargs", "-a", list, "-P", $"{Pool}", "-n", "1", "true"));
            double total = Measure.Median(runs.Select(r => r.Total));
            return new Result
            {
                Workload = "w7",
                Store = "sqlite",
                N = N,
                Pool = Pool,
                TotalS = total,
                PerS = N / total,
                CpuS = 0,
                PeakRssMb = 0,
                LimitPerS = Measure.Median(limits),
                Ratio = Measure.Median(runs.Select((r, i) => N / r.Total / limits[i])),
            };
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Built beside this project, in the same configuration.
    private static string Granary()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        string configuration = here.Parent!.Name, root = here.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        return Path.Combine(root, "client", "Granary.Cli", "bin", configuration, here.Name, "granary");
    }

    private static async Task<double> TimeAsync(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await Task.WhenAll(output, errors);
        return process.ExitCode == 0
            ? seconds
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }
}
