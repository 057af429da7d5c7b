using Granary.Silo;
using Granary.Silo.Health;
using Granary.Silo.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Granary.Hosting;

/// <summary>Makes a host of yours a Granary silo.</summary>
public static class SiloHosting
{
    /// <summary>
    /// Adds an Orleans silo with the cluster engine, its health endpoints, telemetry and drain, as the sections
    /// <c>Orleans</c> and <c>Granary</c> of the configuration say.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Adds the handlers; and the store, where <c>Granary:Store</c> is <c>Custom</c>.</param>
    /// <exception cref="OptionsValidationException">The settings do not go together; each failure names the setting
    /// and the mend.</exception>
    public static IHostApplicationBuilder AddGranarySilo(
        this IHostApplicationBuilder builder, Action<GranaryBuilder>? configure = null)
    {
        SiloSettings settings = SettingsReader.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.ShutdownTimeout);
        builder.Services.AddHostedService<PortCheck>();
        // Hosted services stop in the reverse order: these two still answer and report while the silo drains.
        builder.Services.AddSiloTelemetry(builder.Configuration);
        builder.Services.AddSiloHealth();
        builder.Services.AddHostedService<SiloAnnouncement>();
        AddSilo(builder, settings);
        builder.Services.AddGranary(g =>
        {
            foreach (string name in SiloSettings.AllBuiltIns.Except(settings.BuiltIns)) g.Handlers.Remove(name);
            g.UseCluster(_ => settings.Cluster);
            UseStore(g, settings);
            configure?.Invoke(g);
        });
        return builder;
    }

    private static void AddSilo(IHostApplicationBuilder builder, SiloSettings settings)
    {
        try
        {
            builder.UseOrleans(silo =>
            {
                if (settings.Clustering.IsLocalhost) silo.UseLocalhostClustering();
                // What the section says of ports counts for the localhost too.
                silo.Configure<EndpointOptions>(options =>
                    (options.SiloPort, options.GatewayPort) = (settings.SiloPort, settings.GatewayPort));
                silo.Configure<ClusterMembershipOptions>(options => options.SetUp(builder.Configuration));
                if (settings.Tls is { } files) silo.UseTls(tls => MutualTls.Require(tls, files));
                if (settings.Clustering.IsAdoNet)
                    silo.Configure<AdoNetClusteringSiloOptions>(options =>
                        (options.Invariant, options.ConnectionString) =
                            (settings.Clustering.Invariant, settings.Clustering.ConnectionString!));
            });
        }
        catch (InvalidOperationException e) when (settings.Clustering.Provider is { } provider)
        {
            // Orleans knows which providers there are: those whose packages the program references.
            throw SettingsReader.Refuse(
                [$"Orleans:Clustering:ProviderType is {provider}. {e.Message} Set it to one of them, or leave "
                + "Orleans:Clustering out for one silo on this machine."]);
        }
    }

    private static void UseStore(GranaryBuilder granary, SiloSettings settings)
    {
        switch (settings.Store)
        {
            case StoreChoice.Memory:
                granary.UseMemoryStore();
                break;
            case StoreChoice.Postgres:
                granary.UsePostgres(settings.ConnectionString!);
                break;
            case StoreChoice.Custom:
                break;
        }
    }
}
