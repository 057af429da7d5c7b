namespace Granary;

/// <summary>
/// What to subscribe to: <c>tracing.AddSource(GranaryTelemetry.SourceName)</c> and
/// <c>metrics.AddMeter(GranaryTelemetry.MeterName)</c>. Every span and metric is listed in <c>docs/telemetry.md</c>.
/// </summary>
public static class GranaryTelemetry
{
    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string SourceName = "Granary";

    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "Granary";

    /// <summary>The version of both: the package's.</summary>
    internal static readonly string Version = typeof(GranaryTelemetry).Assembly.GetName().Version!.ToString(3);
}
