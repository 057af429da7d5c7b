using System.Diagnostics;
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

if (args is ["--one", var name])
{
    Console.WriteLine((await workloads[name]()).ToJson());
    return 0;
}

string[] chosen = args.Length == 0 ? [.. workloads.Keys] : args;
if (chosen.FirstOrDefault(w => !workloads.ContainsKey(w)) is { } unknown)
{
    Console.Error.WriteLine($"There is no workload '{unknown}'; choose from {string.Join(", ", workloads.Keys)}.");
    return 2;
}
int failed = 0;
foreach (string workload in chosen)
{
    var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
    // Under 'dotnet run' the process is the program itself; under 'dotnet x.dll' it is dotnet.
    if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
    start.ArgumentList.Add("--one");
    start.ArgumentList.Add(workload);
    using Process child = Process.Start(start)!;
    await child.WaitForExitAsync();
    if (child.ExitCode != 0) failed++;
}
return failed == 0 ? 0 : 1;
