using System.Diagnostics;
using System.Globalization;
using Granary.Simulation.Checks;

namespace Granary.Simulation.Runs;

/// <summary>Many histories, on every core: those of the corpus first, then as many as asked for.</summary>
internal sealed class Campaign(ulong firstSeed, int histories, TimeSpan limit, PlantedBug planted = PlantedBug.None)
{
    private readonly List<Result> _failures = [];
    private readonly Stopwatch _watch = new();
    private TimeSpan _processor;
    private long _next = -1;
    private long _histories;
    private long _steps;
    private long _executions;
    private long _crashes;

    /// <summary>Histories that broke a rule, a few at most.</summary>
    public IReadOnlyList<Result> Failures => _failures;

    public int FailureCount { get; private set; }

    /// <summary>Runs all of it.</summary>
    public void Run()
    {
        _watch.Start();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        ulong[] corpus = Corpus();
        var threads = new Thread[Environment.ProcessorCount];
        for (int i = 0; i < threads.Length; i++) (threads[i] = new Thread(() => Work(corpus))).Start();
        foreach (Thread thread in threads) thread.Join();
        _watch.Stop();
        _processor = Environment.CpuUsage.TotalTime - before;
    }

    public string Summary()
    {
        double perSecond = _histories / _watch.Elapsed.TotalSeconds, perCore = _histories / _processor.TotalSeconds;
        return FormattableString.Invariant($"""
            {_histories:N0} histories (the corpus and seeds from {firstSeed}), {FailureCount} broke a rule;
            {_executions:N0} attempts, {_crashes:N0} crashes, {_steps:N0} steps in {_watch.Elapsed.TotalSeconds:f1} s:
            {perSecond:N0} a second on {Environment.ProcessorCount} cores, {perCore:N0} in a second of processor time.
            """);
    }

    /// <summary>Seeds that once showed a fault.</summary>
    public static ulong[] Corpus() =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "seeds.txt"))
            .Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0)
            .Select(line => ulong.Parse(line, CultureInfo.InvariantCulture)),
    ];

    private void Work(ulong[] corpus)
    {
        while (Next() is var number && number < corpus.Length + histories && _watch.Elapsed < limit)
        {
            ulong seed = number < corpus.Length ? corpus[number] : firstSeed + (ulong)(number - corpus.Length);
            Count(Histories.Run(seed, planted));
        }
    }

    private long Next() => Interlocked.Increment(ref _next);

    private void Count(Result result)
    {
        Interlocked.Increment(ref _histories);
        Interlocked.Add(ref _steps, result.Steps);
        Interlocked.Add(ref _executions, result.Executions);
        Interlocked.Add(ref _crashes, result.Crashes);
        if (result.Violation is null) return;
        lock (_failures)
        {
            FailureCount++;
            if (_failures.Count < 10) _failures.Add(result);
        }
    }
}
