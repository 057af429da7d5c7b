using Granary.Silo.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Orleans.Configuration;

namespace Granary.Silo;

/// <summary>
/// Sends traces and metrics by OTLP, where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says. All else is set by OpenTelemetry's
/// own variables: <c>OTEL_SERVICE_NAME</c>, <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, <c>OTEL_TRACES_SAMPLER</c> …
/// </summary>
internal sealed class SiloTelemetry(IConfiguration configuration, SiloSettings settings, IOptions<SiloOptions> silo)
    : IHostedService, IDisposable
{
    private OpenTelemetrySdk? _sdk;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _sdk = OpenTelemetrySdk.Create(Configure);
        return Task.CompletedTask;
    }

    private void Configure(IOpenTelemetryBuilder telemetry)
    {
        telemetry.Services.AddSingleton(configuration);
        telemetry
            .ConfigureResource(resource => resource
                .AddService("granary-silo", serviceInstanceId: silo.Value.SiloName).AddEnvironmentVariableDetector())
            .WithTracing(tracing => tracing
                .AddSource([GranaryTelemetry.SourceName, .. settings.TraceSources]).AddOtlpExporter())
            .WithMetrics(metrics => metrics
                .AddMeter(GranaryTelemetry.MeterName, "Microsoft.Orleans").AddOtlpExporter());
    }

    // What has not been sent yet is sent now.
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _sdk?.Dispose();
        _sdk = null;
    }
}

internal static class TelemetryHosting
{
    public static void AddSiloTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        if (!string.IsNullOrWhiteSpace(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            services.AddHostedService<SiloTelemetry>();
    }
}
