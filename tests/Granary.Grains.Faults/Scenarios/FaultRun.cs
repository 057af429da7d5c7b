using System.Diagnostics;
using System.Globalization;
using Granary.Engines;
using Granary.Grains.Faults.Checks;
using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Loads;
using Xunit.Abstractions;

namespace Granary.Grains.Faults.Scenarios;

/// <summary>A load, a fault that goes on beside it, quiet, and the verdict.</summary>
internal sealed class FaultRun(FaultCluster cluster, ITestOutputHelper output)
{
    /// <summary>Everything has ended so long after the last fault.</summary>
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(60);

    private readonly List<string> _samples = [];
    private readonly Random _random = new(Number("GRANARY_SEED", 1));

    /// <summary>How long the load and the faults last: environment variable GRANARY_FAULT_SECONDS; 40.</summary>
    public static TimeSpan Duration => TimeSpan.FromSeconds(Number("GRANARY_FAULT_SECONDS", 40));

    public Random Random => _random;

    public int Faults { get; set; }

    public bool CountsConcurrency { get; init; } = true;

    public Load Load { get; init; } = new([cluster.Engine]);

    /// <summary>Runs until <paramref name="faults"/> are over, which are given the end of the time for them; the
    /// verdict must be good.</summary>
    public async Task<Verdict> RunAsync(Func<CancellationToken, Task> faults)
    {
        using var stop = new CancellationTokenSource();
        using var giveUp = new CancellationTokenSource();
        Task load = Load.RunAsync(stop.Token, giveUp.Token);
        Task sampling = SampleAsync(load);
        var clock = Stopwatch.StartNew();
        using (var time = new CancellationTokenSource(Duration)) await faults(time.Token);
        await stop.CancelAsync();
        TimeSpan lasted = clock.Elapsed;
        int mended = await cluster.MendAsync();
        giveUp.CancelAfter(s_quiet);
        var quiet = Stopwatch.StartNew();
        await load;
        await sampling;
        TimeSpan rest = quiet.Elapsed;
        Verdict verdict = await Checker.CheckAsync(cluster, Load.Jobs, CountsConcurrency);
        foreach (string problem in Load.Problems)
        {
            verdict.Others++;
            verdict.Add(problem);
        }
        string report = Report(verdict, lasted, rest, mended);
        output.WriteLine(report);
        Assert.True(verdict.IsGood, report);
        return verdict;
    }

    /// <summary>Waits, unless the time is up before.</summary>
    /// <returns>Whether there is time left.</returns>
    public static async Task<bool> WaitAsync(TimeSpan wait, CancellationToken time)
    {
        await Task.Delay(wait, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !time.IsCancellationRequested;
    }

    public TimeSpan Between(double least, double most) =>
        TimeSpan.FromSeconds(least + (_random.NextDouble() * (most - least)));

    private async Task SampleAsync(Task load)
    {
        for (long last = 0; !load.IsCompleted; last = Load.Completed)
        {
            await Task.WhenAny(load, Task.Delay(TimeSpan.FromSeconds(2)));
            _samples.Add($"{(Load.Completed - last) / 2}/{Faults}");
        }
    }

    private string Report(Verdict verdict, TimeSpan lasted, TimeSpan rest, int mended)
    {
        var lines = new List<string>
        {
            verdict.ToString(),
            string.Create(CultureInfo.InvariantCulture,
                $"{Faults} faults in {lasted.TotalSeconds:F0} s at {verdict.Outcomes / lasted.TotalSeconds:F0} "
                + $"tasks/s; all had ended {rest.TotalSeconds:F1} s later; {mended} silos were gone; "
                + $"the longest wait for an answer was {Load.LongestWait.TotalSeconds:F1} s"),
            "asked again: " + string.Join(", ", Load.Refusals.Select(r => $"{r.Key} {r.Value}")),
            "tasks a second/faults so far, every 2 s: " + string.Join(' ', _samples),
        };
        lines.InsertRange(0, verdict.Problems);
        if (!verdict.IsGood) lines.Add(cluster.Said(40));
        return string.Join('\n', lines);
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : otherwise;
}
