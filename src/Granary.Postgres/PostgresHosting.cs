using Granary.Postgres;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Hosting;

/// <summary>Keeps the jobs of a host in PostgreSQL.</summary>
public static class PostgresHosting
{
    /// <summary>Gives the engine a PostgreSQL store: <c>g.UsePostgres("Host=…;Database=…").UseEmbedded()</c>. Its
    /// tables are made at the first start.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="connectionString">Npgsql's <c>Host=…;Username=…;Database=…</c>, or an address
    /// <c>postgres://user:password@host:port/database</c>.</param>
    /// <param name="configure">Changes the options; logging is the host's.</param>
    public static GranaryBuilder UsePostgres(
        this GranaryBuilder builder, string connectionString,
        Func<PostgresStoreOptions, PostgresStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        builder.Store = (services, cancellation) =>
            OpenAsync(services, connectionString, configure ?? (options => options), cancellation);
        return builder;
    }

    private static async Task<IJobStore> OpenAsync(
        IServiceProvider services, string connectionString,
        Func<PostgresStoreOptions, PostgresStoreOptions> configure, CancellationToken cancellation)
    {
        PostgresStoreOptions options = configure(new PostgresStoreOptions
        {
            ConnectionString = connectionString,
            Logger = services.GetRequiredService<ILoggerFactory>().CreateLogger<PostgresJobStore>(),
        });
        return await PostgresJobStore.OpenAsync(options, cancellation);
    }
}
