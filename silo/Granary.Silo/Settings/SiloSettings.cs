using Granary.Grains;

namespace Granary.Silo.Settings;

/// <summary>Where the jobs of a silo are kept.</summary>
internal enum StoreChoice
{
    /// <summary>In the memory of this process: nothing survives it.</summary>
    Memory,

    /// <summary>In PostgreSQL.</summary>
    Postgres,

    /// <summary>Where the host's own code says.</summary>
    Custom,
}

/// <summary>What the sections <c>Granary</c> and <c>Orleans</c> say, read and checked by <see cref="SettingsReader"/>.
/// </summary>
internal sealed record SiloSettings
{
    /// <summary>The built-in handlers there are.</summary>
    public static readonly string[] AllBuiltIns = ["echo", "sleep", "http", "exec"];

    /// <summary>
    /// Beyond the drain: tasks that were signaled have the grace of a cancel, jobs are handed over, the silo leaves
    /// the cluster.
    /// </summary>
    private static readonly TimeSpan AfterDrain = JobDefaults.CancelGrace + TimeSpan.FromSeconds(10);

    public required StoreChoice Store { get; init; }

    /// <summary>Of the PostgreSQL store; null for another.</summary>
    public required string? ConnectionString { get; init; }

    /// <summary>Where the health endpoints are; 0 for none.</summary>
    public required int HealthPort { get; init; }

    /// <summary>Which built-in handlers there are.</summary>
    public required IReadOnlyList<string> BuiltIns { get; init; }

    public required ClusteringSettings Clustering { get; init; }

    public required int SiloPort { get; init; }

    /// <summary>Where clients connect; 0 for nowhere.</summary>
    public required int GatewayPort { get; init; }

    /// <summary>Null: connections are neither encrypted nor authenticated.</summary>
    public required TlsSettings? Tls { get; init; }

    /// <summary>Activity sources whose spans are sent beside Granary's own.</summary>
    public required IReadOnlyList<string> TraceSources { get; init; }

    /// <summary>Of the engine; its defaults where nothing is said.</summary>
    public required ClusterOptions Cluster { get; init; }

    /// <summary>All that stopping may take.</summary>
    public TimeSpan ShutdownTimeout => Cluster.DrainTimeout + AfterDrain;
}

/// <summary>How silos find each other.</summary>
internal sealed record ClusteringSettings
{
    /// <summary>The name of the provider; null if nothing is said.</summary>
    public required string? Provider { get; init; }

    /// <summary>Nothing is said: one silo, which is reached from this machine only.</summary>
    public bool IsLocalhost => Provider is null;

    public required bool IsAdoNet { get; init; }

    /// <summary>Whether there may be more silos than this one.</summary>
    public required bool HasSeveralSilos { get; init; }

    /// <summary>The ADO.NET driver.</summary>
    public required string Invariant { get; init; }

    /// <summary>Of the membership tables in ADO.NET.</summary>
    public required string? ConnectionString { get; init; }
}

/// <summary>PEM files for mutual TLS with silos and clients.</summary>
/// <param name="Certificate">This silo's certificate, with its intermediates.</param>
/// <param name="Key">Its private key.</param>
/// <param name="Authority">Who has issued the certificates of all silos and clients.</param>
internal sealed record TlsSettings(string Certificate, string Key, string Authority);
