using System.Net;
using System.Globalization;
using Granary.Grains;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using ClusterOptions = Granary.Grains.ClusterOptions;

namespace Granary.Silo.Settings;

/// <summary>
/// Reads the settings of a silo, and checks all of them before anything starts. What is wrong is said at once, each
/// with the setting and the mend.
/// </summary>
internal sealed class SettingsReader
{
    private static readonly string[] s_names =
    [
        "Store", "HealthPort", "BuiltIns", "DrainTimeout", "Lease", "Hold", "PollInterval", "MissingHandlerTimeout",
        "MaxArgumentBytes", "MaxResultBytes", "Tls", "TraceSources",
    ];

    private static readonly TimeSpan s_maxDrain = TimeSpan.FromHours(1);

    private readonly IConfiguration _all;
    private readonly IConfiguration _granary;
    private readonly IConfiguration _orleans;
    private readonly List<string> _failures = [];

    private SettingsReader(IConfiguration configuration) => (_all, _granary, _orleans) =
        (configuration, configuration.GetSection("Granary"), configuration.GetSection("Orleans"));

    /// <exception cref="OptionsValidationException">They do not go together.</exception>
    public static SiloSettings Read(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        SiloSettings settings = reader.Read();
        return reader._failures.Count == 0 ? settings : throw Refuse(reader._failures);
    }

    public static OptionsValidationException Refuse(IEnumerable<string> failures) =>
        new("Granary", typeof(SiloSettings), failures);

    private SiloSettings Read()
    {
        CheckNames();
        ClusteringSettings clustering = ReadClustering();
        SiloSettings settings = new()
        {
            Store = ReadStore(),
            ConnectionString = _all.GetConnectionString("Granary"),
            HealthPort = Port(_granary, "Granary:HealthPort", 8081),
            BuiltIns = ReadBuiltIns(),
            Clustering = clustering,
            SiloPort = Port(_orleans, "Orleans:Endpoints:SiloPort", 11111),
            GatewayPort = Port(_orleans, "Orleans:Endpoints:GatewayPort", 30000),
            Tls = ReadTls(),
            TraceSources = Names(Text(_granary, "TraceSources") ?? ""),
            Cluster = ReadCluster(),
        };
        CheckStore(settings);
        CheckPorts(settings);
        CheckMembership();
        return settings;
    }

    private void CheckNames()
    {
        foreach (IConfigurationSection setting in _granary.GetChildren())
            if (!s_names.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                Fail($"{setting.Path} is no setting of a silo. There are: {string.Join(", ", s_names)}.");
    }

    private StoreChoice ReadStore()
    {
        string? said = Text(_granary, "Store");
        if (said is null)
            return Text(_all, "ConnectionStrings:Granary") is null ? StoreChoice.Memory : StoreChoice.Postgres;
        if (Enum.TryParse(said, ignoreCase: true, out StoreChoice store) && Enum.IsDefined(store)) return store;
        Fail($"Granary:Store is {said}. Set it to Postgres; to Memory, for one silo whose jobs need not survive it; to "
            + "Custom, if the host's code chooses the store; or leave it out.");
        return StoreChoice.Custom;
    }

    private string[] ReadBuiltIns()
    {
        string said = Text(_granary, "BuiltIns") ?? "echo, sleep";
        if (said.Equals("none", StringComparison.OrdinalIgnoreCase)) return [];
        string[] names = Names(said);
        foreach (string unknown in names.Except(SiloSettings.AllBuiltIns))
            Fail($"Granary:BuiltIns names '{unknown}'. Set it to none, or to some of "
                + $"{string.Join(", ", SiloSettings.AllBuiltIns)}.");
        return names;
    }

    private ClusteringSettings ReadClustering()
    {
        string? provider = Text(_orleans, "Clustering:ProviderType");
        bool isAdoNet = "AdoNet".Equals(provider, StringComparison.OrdinalIgnoreCase);
        string name = Text(_orleans, "Clustering:ConnectionName") ?? "Granary";
        string? connection = Text(_orleans, "Clustering:ConnectionString") ?? Text(_all, $"ConnectionStrings:{name}");
        if (isAdoNet && connection is null)
            Fail($"Orleans:Clustering:ProviderType is AdoNet, and there is no connection string for it. Set "
                + $"ConnectionStrings:{name}, or Orleans:Clustering:ConnectionString for a database of its own.");
        if (provider is null && _orleans.GetSection("Clustering").Exists())
            Fail("Orleans:Clustering has no ProviderType. Set Orleans:Clustering:ProviderType, to AdoNet for instance, "
                + "or leave Orleans:Clustering out for one silo on this machine.");
        bool isPrimary = provider == "Development" && Text(_orleans, "Clustering:PrimarySiloEndPoint") is null;
        return new ClusteringSettings
        {
            Provider = provider,
            IsAdoNet = isAdoNet,
            HasSeveralSilos = provider is not null && !isPrimary,
            Invariant = Text(_orleans, "Clustering:Invariant") ?? "Npgsql",
            ConnectionString = connection,
        };
    }

    private ClusterOptions ReadCluster()
    {
        var defaults = new ClusterOptions();
        return new ClusterOptions
        {
            DrainTimeout = Duration("DrainTimeout", defaults.DrainTimeout, TimeSpan.Zero, s_maxDrain),
            Lease = Duration("Lease", defaults.Lease, TimeSpan.FromSeconds(1), JobDefaults.MaxTime),
            Hold = Duration("Hold", defaults.Hold, TimeSpan.FromSeconds(1), JobDefaults.MaxTime),
            PollInterval = Duration(
                "PollInterval", defaults.PollInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)),
            MissingHandlerTimeout = Duration(
                "MissingHandlerTimeout", defaults.MissingHandlerTimeout, TimeSpan.Zero, JobDefaults.MaxTime),
            MaxArgumentBytes = Bytes("MaxArgumentBytes", defaults.MaxArgumentBytes),
            MaxResultBytes = Bytes("MaxResultBytes", defaults.MaxResultBytes),
        };
    }

    private TlsSettings? ReadTls()
    {
        string[] names = ["Certificate", "Key", "Authority"];
        string?[] files = [.. names.Select(name => Text(_granary, $"Tls:{name}"))];
        if (files.All(file => file is null)) return null;
        foreach ((string name, string? file) in names.Zip(files))
            if (!File.Exists(file))
                Fail($"Granary:Tls:{name} is {file ?? "not set"}. Mutual TLS needs three PEM files: set "
                    + "Granary:Tls:Certificate, :Key and :Authority to files that are there.");
        return new TlsSettings(files[0] ?? "", files[1] ?? "", files[2] ?? "");
    }

    private void CheckStore(SiloSettings settings)
    {
        if (settings.Store == StoreChoice.Postgres && settings.ConnectionString is null)
            Fail("Granary:Store is Postgres, and there is no connection string. Set ConnectionStrings:Granary, in the "
                + "environment as ConnectionStrings__Granary.");
        if (settings.Store == StoreChoice.Memory && settings.Clustering.HasSeveralSilos)
            Fail("The store is in memory, which silos cannot share, and Orleans:Clustering:ProviderType is "
                + $"{settings.Clustering.Provider}. Set ConnectionStrings:Granary for a PostgreSQL store, or leave "
                + "Orleans:Clustering out for one silo on this machine.");
    }

    private void CheckPorts(SiloSettings settings)
    {
        if (settings.SiloPort == 0)
            Fail("Orleans:Endpoints:SiloPort is 0. Other silos must know it: set it to a free port, as 11111.");
        (string Name, int Port)[] ports =
        [
            ("Orleans:Endpoints:SiloPort", settings.SiloPort), ("Orleans:Endpoints:GatewayPort", settings.GatewayPort),
            ("Granary:HealthPort", settings.HealthPort),
        ];
        foreach (var same in ports.Where(p => p.Port != 0).GroupBy(p => p.Port).Where(g => g.Count() > 1))
            Fail($"{string.Join(" and ", same.Select(p => p.Name))} are both {same.Key}. Set each to a port of its "
                + "own.");
    }

    // Orleans binds its other sections itself, and this one not at all.
    private void CheckMembership()
    {
        try
        {
            new ClusterMembershipOptions().SetUp(_all, strictly: true);
        }
        catch (InvalidOperationException e)
        {
            Fail($"Orleans:Membership: {e.Message} Set what ClusterMembershipOptions of Orleans has, with times "
                + "written like 00:00:20.");
        }
    }

    private int Port(IConfiguration section, string path, int otherwise) => Number(
        section, path, otherwise, 0, IPEndPoint.MaxPort, "a port from 1 to 65535, or to 0 for none");

    private int Bytes(string name, int otherwise) => Number(
        _granary, $"Granary:{name}", otherwise, 1, 64 << 20, "1 to 67108864 bytes");

    private int Number(IConfiguration section, string path, int otherwise, int least, int most, string mend)
    {
        string? said = Text(section, path[(path.IndexOf(':') + 1)..]);
        if (said is null) return otherwise;
        if (int.TryParse(said, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most)
            return number;
        Fail($"{path} is {said}. Set it to {mend}.");
        return otherwise;
    }

    private TimeSpan Duration(string name, TimeSpan otherwise, TimeSpan least, TimeSpan most)
    {
        string? said = Text(_granary, name);
        if (said is null) return otherwise;
        if (DurationText.TryParse(said, out TimeSpan time) && time >= least && time <= most) return time;
        Fail($"Granary:{name} is {said}. Set it to {DurationText.Format(least)} up to {DurationText.Format(most)}, "
            + "written like 500ms, 20s or 1m30s.");
        return otherwise;
    }

    private static string[] Names(string list) =>
        list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string? Text(IConfiguration section, string path) =>
        section[path] is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    private void Fail(string failure) => _failures.Add(failure);
}
