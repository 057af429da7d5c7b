using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Hosting;

/// <summary>Puts the embedded engine into a host.</summary>
public static class EmbeddedHosting
{
    /// <summary>Runs jobs in this process, on an SQLite file that is created if it is not there.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file.</param>
    /// <param name="configure">Changes the options; logging, clock and services are the host's.</param>
    public static GranaryBuilder UseEmbedded(
        this GranaryBuilder builder, string path, Func<EmbeddedOptions, EmbeddedOptions>? configure = null) =>
        builder.UseEmbedded(
            async (services, cancellation) => await SqliteJobStore.OpenAsync(
                new SqliteStoreOptions { Path = path, Logger = LoggerOf(services) }, cancellation),
            configure);

    /// <summary>Runs jobs in this process, on the store that was chosen beside it, for example with
    /// <c>UsePostgres(…)</c>. The engine takes the store for itself alone.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options; logging, clock and services are the host's.</param>
    public static GranaryBuilder UseEmbedded(
        this GranaryBuilder builder, Func<EmbeddedOptions, EmbeddedOptions>? configure = null) =>
        builder.UseEmbedded(
            // Asked for when the host starts, so that the store may be chosen after the engine.
            (services, cancellation) => builder.Store is { } open
                ? open(services, cancellation)
                : throw new InvalidOperationException(
                    "No store is set up. Give UseEmbedded a file, as in UseEmbedded(\"jobs.db\"), or choose a store "
                    + "beside it, for example with UsePostgres(\"Host=…\") of the package Granary.Postgres."),
            configure);

    /// <summary>
    /// Runs jobs in this process, in memory: nothing survives the process. For tests and throw-away work.
    /// </summary>
    public static GranaryBuilder UseEmbeddedMemory(
        this GranaryBuilder builder, Func<EmbeddedOptions, EmbeddedOptions>? configure = null) =>
        builder.UseEmbedded((_, _) => Task.FromResult<IJobStore>(new MemoryJobStore()), configure);

    private static GranaryBuilder UseEmbedded(
        this GranaryBuilder builder, Func<IServiceProvider, CancellationToken, Task<IJobStore>> open,
        Func<EmbeddedOptions, EmbeddedOptions>? configure)
    {
        builder.Services.AddSingleton(services => new EmbeddedHost(
            services, builder.Handlers, cancellation => open(services, cancellation),
            configure ?? (options => options)));
        builder.Services.AddSingleton<IHostedService>(services => services.GetRequiredService<EmbeddedHost>());
        builder.Services.AddSingleton<IJobEngine>(services => services.GetRequiredService<EmbeddedHost>().Engine);
        return builder;
    }

    private static ILogger LoggerOf(IServiceProvider services) =>
        services.GetRequiredService<ILoggerFactory>().CreateLogger<SqliteJobStore>();
}
