using Granary.Activations;
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

    /// <summary>
    /// How long a task waits for a handler that is not registered before it fails; zero fails it at once. Default 1
    /// hour.
    /// </summary>
    public TimeSpan MissingHandlerTimeout { get; init; } = JobDefaults.MissingHandlerTimeout;

    /// <summary>
    /// How long <see cref="EmbeddedEngine.StopAsync"/> lets running tasks finish before it signals them; they run
    /// again at the next start. Default 5 seconds.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What the engine's spans hold. Default: no arguments, no results.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>Takes commands and answers questions, but runs nothing. Default false.</summary>
    public bool Passive { get; init; }

    /// <summary>Makes the random part of job ids; a simulation gives a seeded one.</summary>
    internal Random Random { get; init; } = Random.Shared;

    internal EngineSettings ToSettings() => new()
    {
        Time = Time,
        Logging = Logging,
        Services = Services,
        MaxArgumentBytes = MaxArgumentBytes,
        MaxResultBytes = MaxResultBytes,
        MissingHandlerTimeout = MissingHandlerTimeout,
        Telemetry = Telemetry,
    };

    internal void Check()
    {
        CheckBytes(nameof(MaxArgumentBytes), MaxArgumentBytes);
        CheckBytes(nameof(MaxResultBytes), MaxResultBytes);
        CheckTime(nameof(MissingHandlerTimeout), MissingHandlerTimeout);
        CheckTime(nameof(DrainTimeout), DrainTimeout);
        Telemetry.Check();
    }

    private static void CheckBytes(string name, int bytes)
    {
        if (bytes is < 1 or > 256 << 20)
            throw new ArgumentException($"{name} is {bytes}; set it to 1 to 268,435,456 bytes.", name);
    }

    private static void CheckTime(string name, TimeSpan time)
    {
        if (time < TimeSpan.Zero || time > JobDefaults.MaxTime)
            throw new ArgumentException(
                $"{name} is {time}; set it to zero up to {JobDefaults.MaxTime.TotalDays:N0} days.", name);
    }
}
