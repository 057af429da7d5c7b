// A client of a cluster; the same program runs its jobs in itself with --embedded.
// Run it beside a silo (dotnet run --project silo/Granary.Silo) with: dotnet run --project samples/cluster
using Granary;
using Granary.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
if (args.Contains("--embedded"))
    builder.Services.AddGranary(g => g.UseEmbedded("jobs.db"));
else
    builder.AddClusterClient().Services.AddGranary(g => g.UseCluster());
using IHost host = builder.Build();
await host.StartAsync();
var granary = host.Services.GetRequiredService<GranaryClient>();

string[] words = ["each", "word", "is", "a", "task", "that", "a", "silo", "runs"];
BatchHandle<string> batch = await granary.StartBatchAsync<string, string>(
    "echo", words, new() { MaxConcurrency = 3, Key = $"words-{Guid.NewGuid():N}" });
await foreach (TaskOutcome<string> done in batch.WhenEachAsync()) Console.WriteLine($"{done.Index}: {done.Value}");
Console.WriteLine(string.Join(' ', await batch.ResultsAsync()));

ChainHandle<string> chain = await granary.StartChainAsync<string>(
    Chain.Start("echo", "and a chain waits").Wait(TimeSpan.FromMilliseconds(500)).Then("echo"));
Console.WriteLine(await chain.ResultAsync());
await host.StopAsync();

/// <summary>How this program finds the silos.</summary>
internal static class ClusterClientHosting
{
    /// <summary>As the section <c>Orleans</c> says; without one, the silo on this machine. Waits for it.</summary>
    public static HostApplicationBuilder AddClusterClient(this HostApplicationBuilder builder) =>
        builder.UseOrleansClient(client =>
        {
            if (!builder.Configuration.GetSection("Orleans:Clustering").Exists()) client.UseLocalhostClustering();
            client.UseConnectionRetryFilter(async (_, cancellation) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
                return true;
            });
        });
}
