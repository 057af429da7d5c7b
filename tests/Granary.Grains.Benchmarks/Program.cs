using System.Diagnostics;
using Granary;
using Granary.Benchmarks;
using Granary.Grains.Benchmarks;

// w1 … w6 on silos in this process, which call each other over sockets; the client is in the first silo. The last three
// runs count: Orleans and the silos are much code, which takes a few seconds of work until it is compiled for good.
int silos = int.Parse(args.SkipWhile(a => a != "--silos").Skip(1).FirstOrDefault() ?? "1", null);
string? address = args.SkipWhile(a => a != "--postgres").Skip(1).FirstOrDefault();
int runs = int.Parse(args.SkipWhile(a => a != "--runs").Skip(1).FirstOrDefault() ?? "8", null);
foreach (string workload in args.Where(a => a.StartsWith('w')))
{
    await using Cluster cluster = await Cluster.StartAsync(silos, address);
    for (int i = 0; i < runs; i++)
    {
        double cpu = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
        string line = await Workloads.RunAsync(workload, cluster.Client);
        cpu = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds - cpu;
        Console.WriteLine($"{(i < runs - 3 ? "warm " : "")}{workload} silos={silos} {line} cpu_s={cpu:f2}");
    }
}
