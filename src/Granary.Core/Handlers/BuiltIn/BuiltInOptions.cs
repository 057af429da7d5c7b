using System.Net;

namespace Granary;

/// <summary>
/// What the built-in handlers may do. The defaults suit an engine that runs only work its owner submits.
/// </summary>
public sealed record BuiltInOptions
{
    /// <summary>Whether <c>exec</c> is there. Default true; false where others may submit work.</summary>
    public bool AllowExec { get; init; } = true;

    /// <summary>Whether <c>http</c> is there. Default true.</summary>
    public bool AllowHttp { get; init; } = true;

    /// <summary>
    /// How much <c>exec</c> keeps of standard output and of standard error each, in bytes: the first and the last
    /// half. Default 256 KiB; at least 1,024.
    /// </summary>
    public int MaxOutputBytes { get; init; } = 256 * 1024;

    /// <summary>The largest response body that <c>http</c> reads, in bytes after decompression.
    /// Default <see cref="JobDefaults.MaxResultBytes"/>, the largest result.</summary>
    public int MaxBodyBytes { get; init; } = JobDefaults.MaxResultBytes;

    /// <summary>
    /// Asked for each address that <c>http</c> is about to connect to, after name resolution and for redirects too;
    /// false refuses it, and a proxy named by the environment is then not used. An IPv4 address inside IPv6 is given
    /// as IPv4. Null, the default: all are allowed.
    /// </summary>
    public Func<IPAddress, bool>? HttpConnectFilter { get; init; }

    /// <summary>The clock of <c>sleep</c> and of dates in <c>Retry-After</c>. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
