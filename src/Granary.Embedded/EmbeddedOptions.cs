using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary.Embedded;

/// <summary>How the embedded engine runs. Checked once, when the engine starts.</summary>
public sealed record EmbeddedOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where log messages go. Default: nowhere.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Makes the service scope of each attempt; needed for handlers that are classes. Default null.</summary>
    public IServiceProvider? Services { get; init; }

    /// <summary>The largest arguments of one task, in bytes of JSON. Default 1 MiB.</summary>
    public int MaxArgumentBytes { get; init; } = JobDefaults.MaxArgumentBytes;

    /// <summary>The largest result of one task, in bytes of JSON. Default 1 MiB.</summary>
    public int MaxResultBytes { get; init; } = JobDefaults.MaxResultBytes;

    /// <summary>How long a task waits for a handler that is not registered before it fails; zero fails it at once. Default 1 hour.</summary>
    public TimeSpan MissingHandlerTimeout { get; init; } = JobDefaults.MissingHandlerTimeout;

    /// <summary>How long <see cref="EmbeddedEngine.StopAsync"/> lets running tasks finish before it signals them; they run again
    /// at the next start. Default 5 seconds.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
