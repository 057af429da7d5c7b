using Granary.Grains.Faults.Silos;
using Microsoft.Extensions.Hosting;

// One silo, in a process that can be killed: its settings are the arguments.
using IHost host = SiloHost.Build(SiloSettings.Parse(args));
await host.RunAsync();
