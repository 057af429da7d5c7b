using System.Net;
using Granary.Benchmarks;
using Granary.Hosting;
using Granary.Postgres;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace Granary.Grains.Benchmarks;

/// <summary>Silos in one process, on real sockets.</summary>
internal sealed class Cluster(List<IHost> hosts) : IAsyncDisposable
{
    public GranaryClient Client => hosts[0].Services.GetRequiredService<GranaryClient>();

    public static async Task<Cluster> StartAsync(int silos, string? address)
    {
        var memory = new MemoryJobStore();
        string schema = $"bench_{Guid.NewGuid():n}"[..20];
        var hosts = new List<IHost>();
        for (int i = 0; i < silos; i++)
        {
            HostApplicationBuilder builder = Host.CreateApplicationBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Error);
            int number = i;
            builder.UseOrleans(silo => silo.UseLocalhostClustering(
                11111 + number, 30000 + number, number == 0 ? null : new IPEndPoint(IPAddress.Loopback, 11111)));
            builder.Services.AddSingleton(NoOp.Handlers);
            builder.Services.AddGranary(g =>
            {
                g.UseCluster();
                g.Store = async (_, cancellation) => address is null
                    ? memory
                    : await PostgresJobStore.OpenAsync(
                        new PostgresStoreOptions { ConnectionString = address, Schema = schema }, cancellation);
            });
            IHost host = builder.Build();
            await host.StartAsync();
            hosts.Add(host);
        }
        return new Cluster(hosts);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IHost host in hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }
    }
}
