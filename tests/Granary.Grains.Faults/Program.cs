using Granary.Grains.Faults.Silos;
using Microsoft.Extensions.Hosting;

// One silo, in a process that can be killed: its settings are the arguments.
// It ends with the tests, whichever way they end.
new Thread(static () =>
{
    Console.In.ReadToEnd();
    Environment.Exit(1);
}) { IsBackground = true }.Start();
using IHost host = SiloHost.Build(SiloSettings.Parse(args));
await host.RunAsync();
