using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Granary.Grains.Tests.Storage;

/// <summary>One silo with memory grain storage, for all tests; each has states of its own name in it. It outlives the
/// clusters under test, as a real storage does.</summary>
internal static class StorageSilo
{
    private static readonly Lazy<Task<IGrainStorage>> Storage = new(StartAsync);

    public static Task<IGrainStorage> GetAsync() => Storage.Value;

    /// <summary>An empty store.</summary>
    public static async Task<IJobStore> OpenAsync(Func<IGrainStorage, IGrainStorage>? around = null)
    {
        IGrainStorage storage = await GetAsync();
        return new GrainStorageJobStore(around?.Invoke(storage) ?? storage, NewName(), TimeProvider.System);
    }

    public static string NewName() => $"test{Guid.NewGuid():N}";

    private static async Task<IGrainStorage> StartAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.Options.InitializeClientOnDeploy = false;
        builder.ConfigureSilo((_, silo) => silo.AddMemoryGrainStorage("Default"));
        InProcessTestCluster cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster.GetSiloServiceProvider().GetRequiredKeyedService<IGrainStorage>("Default");
    }
}
