using System.Runtime.CompilerServices;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Granary.Cli;

/// <summary>
/// Sends spans and metrics to a collector where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names one. All else is set by
/// OpenTelemetry's own variables.
/// </summary>
internal static class OtlpExport
{
    /// <returns>To be disposed when the engine has ended: sends what is left. Null where no collector is
    /// named.</returns>
    public static IDisposable? Start() =>
        Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } ? StartSending() : null;

    // Apart, so that nothing of OpenTelemetry is loaded where it is not asked for.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static OpenTelemetrySdk StartSending() => OpenTelemetrySdk.Create(telemetry => telemetry
        .ConfigureResource(resource => resource.AddService("granary").AddEnvironmentVariableDetector())
        .WithTracing(tracing => tracing.AddSource(GranaryTelemetry.SourceName).AddOtlpExporter())
        .WithMetrics(metrics => metrics.AddMeter(GranaryTelemetry.MeterName).AddOtlpExporter()));
}
