using Granary.Silo.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Silo.Health;

/// <summary>
/// <c>/health/live</c> and <c>/health/ready</c> on a port of their own, from before the silo starts until after it has
/// stopped. A web server apart from the host's own, which would be the first to stop.
/// </summary>
internal sealed class HealthServer(SiloSettings settings, HealthCheckService checks, ILoggerFactory logging)
    : IHostedService, IAsyncDisposable
{
    public const string Live = "live";
    public const string Ready = "ready";

    private WebApplication? _server;

    /// <summary>Where it listens, once it has started.</summary>
    public Uri? Address => _server?.Urls.Select(url => new Uri(url)).FirstOrDefault();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.HealthPort == 0) return;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logging);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenAnyIP(settings.HealthPort));
        _server = builder.Build();
        _server.Run(AnswerAsync);
        try
        {
            await _server.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException(
                $"Granary:HealthPort is {settings.HealthPort}, which cannot be listened on. Set it to a free port, or "
                + "to 0 for no health endpoints.", e);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private Task AnswerAsync(HttpContext http)
    {
        switch (http.Request.Path.Value)
        {
            case "/health/live":
                return AnswerAsync(http, Live);
            case "/health/ready":
                return AnswerAsync(http, Ready);
            default:
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    private async Task AnswerAsync(HttpContext http, string tag)
    {
        HealthReport report = await checks.CheckHealthAsync(c => c.Tags.Contains(tag), http.RequestAborted);
        http.Response.StatusCode = report.Status == HealthStatus.Unhealthy
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        IEnumerable<string> lines = report.Entries.Select(e => $"{e.Key}: {e.Value.Status} {e.Value.Description}");
        await http.Response.WriteAsync(string.Join('\n', lines.Prepend($"{report.Status}")) + "\n");
    }
}
