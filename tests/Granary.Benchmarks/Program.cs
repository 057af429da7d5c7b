using System.Globalization;
using Granary.Benchmarks;

// Each workload runs in a process of its own, so that one's memory and compiled code are not another's.
var workloads = new SortedDictionary<string, Func<Task<Result>>>(StringComparer.Ordinal)
{
    ["w1"] = () => ManyTasks.RunAsync("w1", 100_000, "sqlite"),
    ["w1p"] = () => ManyTasks.RunAsync("w1p", 100_000, "postgres"),
    ["w2"] = () => ManyTasks.RunAsync("w2", 1_000_000, "memory"),
    ["w3"] = ShortWaits.RunAsync,
    ["w4"] = () => RoundTrips.RunAsync("w4", "sqlite"),
    ["w4p"] = () => RoundTrips.RunAsync("w4p", "postgres"),
    ["w5"] = () => Chains.RunAsync("w5", "sqlite"),
    ["w5p"] = () => Chains.RunAsync("w5p", "postgres"),
    ["w6a"] = () => ManyTasks.RunAsync("w6a", 1_000_000, "sqlite"),
    ["w6b"] = ManyBatches.RunAsync,
    ["w7"] = Processes.RunAsync,
};

// What has a budget instead of a limit. These take minutes, and run only when they are named.
var budgets = new SortedDictionary<string, Func<Task<Budget>>>(StringComparer.Ordinal)
{
    ["f34"] = LongBatch.RunAsync,
    ["f35"] = () => OpenJobs.RunAsync(Size("--open", 100_000), Size("--finished", 10_000_000)),
};

if (args is ["--fill", var path, var open, var finished])
{
    await new ManyJobs(path, Number(open), Number(finished)).FillAsync();
    return 0;
}
if (args is ["--one", var name, ..])
{
    if (!budgets.TryGetValue(name, out Func<Task<Budget>>? run))
    {
        Console.WriteLine((await workloads[name]()).ToJson());
        return 0;
    }
    Budget budget = await run();
    Console.WriteLine(budget.ToJson());
    return budget.IsMet ? 0 : 1;
}

string[] sizes = [.. args.SkipWhile(arg => !arg.StartsWith("--", StringComparison.Ordinal))];
string[] chosen = [.. args[..^sizes.Length]];
if (chosen.Length == 0) chosen = [.. workloads.Keys];
if (chosen.FirstOrDefault(w => !workloads.ContainsKey(w) && !budgets.ContainsKey(w)) is { } unknown)
{
    string names = string.Join(", ", workloads.Keys.Concat(budgets.Keys));
    Console.Error.WriteLine($"There is no workload '{unknown}'; choose from {names}.");
    return 2;
}
int failed = 0;
foreach (string workload in chosen)
    if (!await Self.RunAsync(["--one", workload, .. sizes])) failed++;
return failed == 0 ? 0 : 1;

int Size(string option, int normal) =>
    Array.IndexOf(args, option) is >= 0 and var i ? Number(args[i + 1]) : normal;

static int Number(string text) => int.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
