using System.Collections.Concurrent;
using System.Globalization;
using Granary.Conformance.Stores;
using Granary.Engines;
using Granary.Grains.Faults.Silos;
using Granary.Hosting;
using Granary.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using OrleansCluster = Orleans.Configuration.ClusterOptions;

namespace Granary.Grains.Faults.Clusters;

/// <summary>Silos in processes, over a PostgreSQL of their own, and a client of them in this process.</summary>
internal sealed class FaultCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly string _directory = Directory.CreateTempSubdirectory("granary-faults-").FullName;
    private readonly Dictionary<string, IHost> _clients = [];
    private readonly ConcurrentQueue<SiloProcess> _all = new();

    private FaultCluster(PostgresServer server) => Server = server;

    public PostgresServer Server { get; }

    public string Connection => Server.ConnectionString();

    /// <summary>Those that run, or ran last, at their places.</summary>
    public List<SiloProcess> Silos { get; } = [];

    /// <summary>All there ever were.</summary>
    public IEnumerable<SiloProcess> All => _all;

    public IJobEngine Engine => EngineOf(Silos[0].Settings.Cluster);

    public IGrainFactory Grains => _clients[Silos[0].Settings.Cluster].Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts silos of one cluster, or of several that know nothing of each other but share the
    /// store.</summary>
    public static async Task<FaultCluster> StartAsync(params string[] clusters)
    {
        var cluster = new FaultCluster(await PostgresServer.LaunchAsync());
        try
        {
            await ClusteringTables.CreateAsync(cluster.Connection);
            foreach (string name in clusters) cluster.Silos.Add(cluster.Launch(name));
            foreach (SiloProcess silo in cluster.Silos) await ReadyAsync(silo);
            foreach (string name in clusters.Distinct()) await cluster.ConnectAsync(name);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public static Task<FaultCluster> StartThreeAsync() => StartAsync("three", "three", "three");

    public IJobEngine EngineOf(string cluster) => _clients[cluster].Services.GetRequiredService<IJobEngine>();

    /// <summary>Puts a new silo, at another address, in the place of one that is gone, and waits until it
    /// runs.</summary>
    public async Task ReplaceAsync(int place)
    {
        Silos[place] = Launch(Silos[place].Settings.Cluster);
        await ReadyAsync(Silos[place]);
    }

    /// <summary>Silos that are gone are started again where they were, as a service manager does.</summary>
    /// <returns>How many.</returns>
    public async Task<int> MendAsync()
    {
        int[] gone = [.. Enumerable.Range(0, Silos.Count).Where(i => !Silos[i].IsRunning)];
        foreach (int place in gone) Silos[place] = Launch(Silos[place].Settings);
        foreach (int place in gone) await ReadyAsync(Silos[place]);
        return gone.Length;
    }

    public Task<PostgresJobStore> OpenStoreAsync() => PostgresJobStore.OpenAsync(
        new PostgresStoreOptions { ConnectionString = Connection, ReadOnly = true }, CancellationToken.None);

    /// <summary>What the silos said that is worth reading.</summary>
    public string Said(int lines) => string.Join('\n', _all.SelectMany(
        silo => silo.Output.TakeLast(lines).Select(line => $"{silo}: {line}")));

    public async ValueTask DisposeAsync()
    {
        foreach (SiloProcess silo in _all) await silo.DisposeAsync();
        foreach (IHost client in _clients.Values)
        {
            await client.StopAsync();
            client.Dispose();
        }
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private SiloProcess Launch(string cluster) =>
        Launch(new SiloSettings(Connection, cluster, FreePorts.Next(), FreePorts.Next(), ""));

    private SiloProcess Launch(SiloSettings settings)
    {
        string diary = Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{_all.Count}.diary"));
        File.Create(diary).Dispose();
        var silo = new SiloProcess(settings with { Diary = diary });
        _all.Enqueue(silo);
        return silo;
    }

    // The host says so when the silo has joined.
    private static async Task ReadyAsync(SiloProcess silo)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (!silo.Output.Any(line => line.Contains(SiloHost.Ready, StringComparison.Ordinal)))
        {
            if (!silo.IsRunning || patience.IsCancellationRequested)
                throw new InvalidOperationException($"{silo} did not start.\n{string.Join('\n', silo.Output)}");
            await Task.Delay(20);
        }
    }

    private async Task ConnectAsync(string name)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.UseOrleansClient(client =>
        {
            client.Configure<OrleansCluster>(cluster => cluster.ClusterId = cluster.ServiceId = name);
            client.UseAdoNetClustering(clustering =>
                (clustering.Invariant, clustering.ConnectionString) = ("Npgsql", Connection));
            client.Configure<Orleans.Configuration.GatewayOptions>(
                gateway => gateway.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2));
        });
        builder.Services.AddGranary(granary => granary.UseCluster(_ => SiloSettings.Options));
        IHost host = builder.Build();
        _clients[name] = host;
        await host.StartAsync();
    }
}
