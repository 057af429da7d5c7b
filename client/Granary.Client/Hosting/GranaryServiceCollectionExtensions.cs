using Granary;
using Granary.Engines;
using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Sets Granary up in a host.</summary>
public static class GranaryServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="GranaryClient"/> and the handlers, the built-in ones (<c>exec</c>, <c>http</c>, <c>echo</c>,
    /// <c>sleep</c>) included. The engine is chosen inside: <c>services.AddGranary(g
    /// => g.UseEmbedded("jobs.db").Handle&lt;…&gt;(…))</c>. May be called several times; the calls add up.
    /// </summary>
    public static IServiceCollection AddGranary(this IServiceCollection services, Action<GranaryBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        configure(FindBuilder(services) ?? AddBuilder(services));
        return services;
    }

    private static GranaryBuilder? FindBuilder(IServiceCollection services) =>
        services.LastOrDefault(s => s.ServiceType == typeof(GranaryBuilder))?.ImplementationInstance as GranaryBuilder;

    private static GranaryBuilder AddBuilder(IServiceCollection services)
    {
        var builder = new GranaryBuilder(services);
        builder.Handlers.AddBuiltIns();
        services.AddSingleton(builder);
        services.TryAddSingleton(builder.Handlers);
        services.TryAddSingleton(MakeClient);
        return builder;
    }

    private static GranaryClient MakeClient(IServiceProvider services)
    {
        IJobEngine engine = services.GetService<IJobEngine>() ?? throw new InvalidOperationException(
            "No engine is set up. Choose one in AddGranary, for example with UseEmbedded(\"jobs.db\") "
            + "of the package Granary.Embedded.");
        return new GranaryClient(engine, services.GetService<TimeProvider>());
    }
}
