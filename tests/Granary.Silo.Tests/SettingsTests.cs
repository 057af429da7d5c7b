using Granary.Silo.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Granary.Silo.Tests;

public sealed class SettingsTests
{
    [Fact]
    public void Without_settings_it_is_one_silo_in_memory_on_this_machine()
    {
        SiloSettings settings = Read();
        Assert.Equal(StoreChoice.Memory, settings.Store);
        Assert.True(settings.Clustering.IsLocalhost);
        Assert.Equal((11111, 30000, 8081), (settings.SiloPort, settings.GatewayPort, settings.HealthPort));
        Assert.Equal(["echo", "sleep"], settings.BuiltIns);
        Assert.Null(settings.Tls);
    }

    [Fact]
    public void A_connection_string_alone_chooses_PostgreSQL() =>
        Assert.Equal(StoreChoice.Postgres, Read("ConnectionStrings:Granary=Host=db").Store);

    [Fact]
    public void Clustering_takes_the_connection_string_of_the_store()
    {
        ClusteringSettings clustering =
            Read("ConnectionStrings:Granary=Host=db", "Orleans:Clustering:ProviderType=AdoNet").Clustering;
        Assert.Equal(("Npgsql", "Host=db"), (clustering.Invariant, clustering.ConnectionString));
        Assert.True(clustering.HasSeveralSilos);
    }

    [Fact]
    public void Clustering_may_have_a_database_of_its_own() => Assert.Equal(
        "Host=members",
        Read(
            "ConnectionStrings:Granary=Host=db", "ConnectionStrings:Members=Host=members",
            "Orleans:Clustering:ProviderType=AdoNet", "Orleans:Clustering:ConnectionName=Members")
            .Clustering.ConnectionString);

    [Fact]
    public void Stopping_may_take_longer_than_the_drain()
    {
        SiloSettings settings = Read("Granary:DrainTimeout=1m30s");
        Assert.Equal(TimeSpan.FromSeconds(90), settings.Cluster.DrainTimeout);
        Assert.True(settings.ShutdownTimeout > settings.Cluster.DrainTimeout + JobDefaults.CancelGrace);
    }

    [Fact]
    public void Activity_sources_are_named() =>
        Assert.Equal(["Shop", "System.Net.*"], Read("Granary:TraceSources=Shop, System.Net.*").TraceSources);

    [Fact]
    public void A_start_that_meets_nobody_ends_soon_unless_the_membership_is_set_otherwise()
    {
        ClusterMembershipOptions usual = Membership(), other = Membership(
            "--Orleans:Membership:MaxJoinAttemptTime=00:02:00", "--Orleans:Membership:NumMissedProbesLimit=5");
        Assert.Equal((30, 3), (usual.MaxJoinAttemptTime.TotalSeconds, usual.NumMissedProbesLimit));
        Assert.Equal((120, 5), (other.MaxJoinAttemptTime.TotalSeconds, other.NumMissedProbesLimit));
        Assert.Equal(TimeSpan.FromSeconds(5), other.IAmAliveTablePublishTimeout);

        static ClusterMembershipOptions Membership(params string[] settings)
        {
            using IHost silo = GranarySilo.Create(settings);
            return silo.Services.GetRequiredService<IOptions<ClusterMembershipOptions>>().Value;
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("exec, http", "exec", "http")]
    public void Built_in_handlers_are_chosen_by_name(string said, params string[] expected) =>
        Assert.Equal(expected, Read($"Granary:BuiltIns={said}").BuiltIns);

    [Theory]
    [InlineData("Granary:Store=Mongo", "Granary:Store is Mongo. Set it to Postgres")]
    [InlineData("Granary:Store=Postgres", "Set ConnectionStrings:Granary, in the environment as")]
    [InlineData("Granary:HeathPort=1", "Granary:HeathPort is no setting of a silo. There are: Store, HealthPort")]
    [InlineData("Granary:HealthPort=70000", "Granary:HealthPort is 70000. Set it to a port from 1 to 65535")]
    [InlineData("Granary:HealthPort=eight", "Granary:HealthPort is eight. Set it to a port from 1 to 65535")]
    [InlineData("Granary:HealthPort=11111", "SiloPort and Granary:HealthPort are both 11111. Set each to")]
    [InlineData("Orleans:Endpoints:GatewayPort=11111", "Orleans:Endpoints:GatewayPort are both 11111. Set each to")]
    [InlineData("Orleans:Endpoints:SiloPort=0", "Orleans:Endpoints:SiloPort is 0. Other silos must know it")]
    [InlineData("Granary:DrainTimeout=20", "Granary:DrainTimeout is 20. Set it to 0s up to 1h, written like")]
    [InlineData("Granary:DrainTimeout=2h", "Granary:DrainTimeout is 2h. Set it to 0s up to 1h, written like")]
    [InlineData("Granary:Lease=1ms", "Granary:Lease is 1ms. Set it to 1s up to")]
    [InlineData("Granary:MaxResultBytes=0", "Granary:MaxResultBytes is 0. Set it to 1 to 67108864 bytes")]
    [InlineData("Granary:BuiltIns=echo, shell", "Granary:BuiltIns names 'shell'. Set it to none, or to some of echo")]
    [InlineData("Granary:Tls:Key=nowhere.pem", "Granary:Tls:Certificate is not set. Mutual TLS needs three PEM files")]
    [InlineData("Orleans:Clustering:Invariant=Npgsql", "Orleans:Clustering has no ProviderType. Set ")]
    [InlineData("Orleans:Membership:MaxJoinAttemptTime=20s", "Orleans:Membership: Failed to convert")]
    [InlineData("Orleans:Membership:MaxJoinTime=00:00:20", "written like 00:00:20")]
    [InlineData("Orleans:Clustering:ProviderType=AdoNet", "no connection string for it. Set ConnectionStrings:Granary")]
    [InlineData("Orleans:Clustering:ProviderType=Redis", "The store is in memory, which silos cannot share")]
    public void What_is_wrong_is_said_with_the_setting_and_the_mend(string setting, string expected)
    {
        var refused = Assert.Throws<OptionsValidationException>(() => Read(setting));
        Assert.Contains(refused.Failures, failure => failure.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var refused = Assert.Throws<OptionsValidationException>(
            () => Read("Granary:Store=Mongo", "Granary:Lease=x", "Granary:BuiltIns=x"));
        Assert.Equal(3, refused.Failures.Count());
    }

    [Fact]
    public void A_provider_that_is_not_there_is_said_with_those_that_are()
    {
        var refused = Assert.Throws<OptionsValidationException>(() => GranarySilo.Create(
            ["--Granary:Store=Custom", "--Orleans:Clustering:ProviderType=Zoo"]));
        Assert.Contains("Orleans:Clustering:ProviderType is Zoo.", refused.Message, StringComparison.Ordinal);
        Assert.Contains("AdoNet, Development", refused.Message, StringComparison.Ordinal);
    }

    private static SiloSettings Read(params string[] settings) => SettingsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2))
            .Select(pair => new KeyValuePair<string, string?>(pair[0], pair[1])))
        .Build());
}
