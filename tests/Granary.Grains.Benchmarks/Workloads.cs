using System.Diagnostics;
using Granary.Benchmarks;

namespace Granary.Grains.Benchmarks;

/// <summary>The workloads of the embedded engine's benchmarks.</summary>
internal static class Workloads
{
    public static Task<string> RunAsync(string workload, GranaryClient client) => workload switch
    {
        "w1" => ManyTasksAsync(client, 100_000),
        "w1s" => ManyTasksAsync(client, 10_000),
        "w3" => ShortWaitsAsync(client),
        "w4" => RoundTripsAsync(client, 2_000),
        "w5" => ChainsAsync(client),
        "w6" => ManyTasksAsync(client, 1_000_000),
        _ => throw new ArgumentException($"There is no workload '{workload}'."),
    };

    private static async Task<string> ManyTasksAsync(GranaryClient client, int n)
    {
        long start = Stopwatch.GetTimestamp();
        BatchHandle<PageResult> batch = await client.StartBatchAsync<PageArgs, PageResult>(
            NoOp.Name, Enumerable.Range(0, n).Select(NoOp.Args), new() { MaxConcurrency = 64 });
        double submit = Stopwatch.GetElapsedTime(start).TotalSeconds;
        IReadOnlyList<TaskOutcome<PageResult>> all = await batch.WhenAllAsync();
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (all.Count != n || all[n - 1].Value!.Id != n - 1)
            throw new InvalidOperationException("The results are wrong.");
        return $"n={n} submit_s={submit:f3} total_s={total:f3} per_s={n / total:f0}";
    }

    private static async Task<string> ShortWaitsAsync(GranaryClient client)
    {
        const int N = 10_000;
        long start = Stopwatch.GetTimestamp();
        BatchHandle<int> batch = await client.StartBatchAsync<int, int>(
            "wait", Enumerable.Range(0, N), new() { MaxConcurrency = 100 });
        await batch.WhenAllAsync();
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return $"n={N} total_s={total:f3} per_s={N / total:f0}";
    }

    private static async Task<string> RoundTripsAsync(GranaryClient client, int n)
    {
        var latencies = new double[n];
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < n; i++)
        {
            long start = Stopwatch.GetTimestamp();
            BatchHandle<int> batch = await client.StartBatchAsync<int, int>("add", [i], new() { MaxConcurrency = 1 });
            IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
            if (all is not [{ Value: var value }] || value != i + 1)
                throw new InvalidOperationException("The result is wrong.");
            latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        double total = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Array.Sort(latencies);
        return $"n={n} total_s={total:f3} per_s={n / total:f0} p50_ms={latencies[n / 2]:f3} "
            + $"p99_ms={latencies[n * 99 / 100]:f3}";
    }

    private static async Task<string> ChainsAsync(GranaryClient client)
    {
        const int N = 1_000, Steps = 10;
        long start = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, N), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, cancellation) =>
        {
            Chain chain = Chain.Start("add", i);
            for (int step = 1; step < Steps; step++) chain = chain.Then("add");
            ChainHandle<int> handle = await client.StartChainAsync<int>(chain, cancellation: cancellation);
            if (await handle.ResultAsync(cancellation) != i + Steps)
                throw new InvalidOperationException("The result is wrong.");
        });
        double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return $"n={N} steps={N * Steps} total_s={total:f3} per_s={N * Steps / total:f0}";
    }
}
