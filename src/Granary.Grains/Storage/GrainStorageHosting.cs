using Granary.Grains;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Granary.Hosting;

/// <summary>Keeps a cluster's jobs in a grain storage provider.</summary>
public static class GrainStorageHosting
{
    /// <summary>
    /// Keeps jobs in the grain storage provider that the silos have under this name, the same on every silo. It must
    /// refuse a write whose ETag is not the stored one, and a first write of what exists. For many jobs, PostgreSQL
    /// (<c>UsePostgres</c>) is the better store: it has transactions and queries, and this makes up for them with more
    /// writes and reads.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The provider's name: that of <c>AddMemoryGrainStorage(name)</c> or the like. Default:
    /// "Default".</param>
    public static GranaryBuilder UseGrainStorage(this GranaryBuilder builder, string name = "Default")
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        builder.Store = (services, _) => Task.FromResult<IJobStore>(new GrainStorageJobStore(
            services.GetKeyedService<IGrainStorage>(name) ?? throw Missing(name),
            "granary",
            services.GetService<ClusterOptions>()?.Time ?? TimeProvider.System));
        return builder;
    }

    private static InvalidOperationException Missing(string name) => new(
        $"UseGrainStorage(\"{name}\") is chosen, and this silo has no grain storage provider of that name. Add one to "
        + $"the silo, AddMemoryGrainStorage(\"{name}\") for example, or name the one that it has.");
}
