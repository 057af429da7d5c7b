using System.Globalization;

namespace Granary.Grains.Faults.Silos;

/// <summary>What a silo of the tests is started with.</summary>
internal sealed record SiloSettings(string Connection, string Cluster, int SiloPort, int GatewayPort, string Diary)
{
    /// <summary>Short, so that what depends on it happens within a test.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    public static ClusterOptions Options { get; } = new()
    {
        Lease = Lease,
        Hold = Lease,
        PollInterval = TimeSpan.FromMilliseconds(500),
        DrainTimeout = DrainTimeout,
    };

    public static SiloSettings Parse(string[] args) => new(
        args[0], args[1], int.Parse(args[2], CultureInfo.InvariantCulture),
        int.Parse(args[3], CultureInfo.InvariantCulture), args[4]);

    public string[] ToArguments() =>
    [
        Connection, Cluster, SiloPort.ToString(CultureInfo.InvariantCulture),
        GatewayPort.ToString(CultureInfo.InvariantCulture), Diary,
    ];
}
