using Granary.Conformance.Stores;
using Granary.Grains.Tests.Engines;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Hosting;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Granary.Grains.Tests.Storage;

/// <summary>A silo for nothing but its grain storage, for all tests; each has states of its own name in it. It outlives
/// the clusters under test, as a real storage does.</summary>
internal static class StorageSilo
{
    private const string Name = "Default";

    private static readonly Lazy<Task<IGrainStorage>> Memory = new(() =>
        StartAsync(silo => silo.AddMemoryGrainStorage(Name)));

    private static readonly Lazy<Task<IGrainStorage>> AdoNet = new(StartAdoNetAsync);

    /// <summary>The memory provider.</summary>
    public static Task<IGrainStorage> MemoryAsync() => Memory.Value;

    /// <summary>The ADO.NET provider, on the tests' PostgreSQL, with a table that has a primary key.</summary>
    public static Task<IGrainStorage> AdoNetAsync() => AdoNet.Value;

    /// <summary>An empty store.</summary>
    public static IJobStore Open(IGrainStorage storage) =>
        new GrainStorageJobStore(storage, NewName(), TimeProvider.System);

    public static string NewName() => $"test{Guid.NewGuid():N}";

    private static async Task<IGrainStorage> StartAdoNetAsync()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string schema = PostgresServer.NewSchema();
        string connection = $"{server.ConnectionString()};Search Path={schema}";
        await using (NpgsqlDataSource source = NpgsqlDataSource.Create(connection))
        {
            await using NpgsqlCommand create = source.CreateCommand(AdoNetScript.Of(schema));
            await create.ExecuteNonQueryAsync();
        }
        return await StartAsync(silo => silo.AddAdoNetGrainStorage(Name, options =>
            (options.Invariant, options.ConnectionString, options.DeleteStateOnClear) = ("Npgsql", connection, true)));
    }

    private static async Task<IGrainStorage> StartAsync(Action<ISiloBuilder> addStorage)
    {
        InProcessTestCluster cluster = TestSilos.Build(1, (silo, _) => addStorage(silo), withClient: false);
        await cluster.DeployAsync();
        return cluster.GetSiloServiceProvider().GetRequiredKeyedService<IGrainStorage>(Name);
    }
}
