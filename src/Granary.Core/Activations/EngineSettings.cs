using Microsoft.Extensions.Logging;

namespace Granary.Activations;

/// <summary>What every engine's options come down to for its activations. The options have checked it.</summary>
internal sealed record EngineSettings
{
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Logging { get; init; }

    /// <summary>Makes the service scope of each attempt.</summary>
    public required IServiceProvider? Services { get; init; }

    /// <summary>The largest arguments of one task, in bytes of JSON.</summary>
    public required int MaxArgumentBytes { get; init; }

    /// <summary>The largest result of one task, in bytes of JSON.</summary>
    public required int MaxResultBytes { get; init; }

    /// <summary>How long a task waits for a handler that is not registered.</summary>
    public required TimeSpan MissingHandlerTimeout { get; init; }

    /// <summary>What spans hold.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();
}
