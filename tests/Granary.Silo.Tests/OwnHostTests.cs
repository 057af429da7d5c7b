using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Granary.Silo.Tests;

/// <summary>Both ways of making a silo, as silo/Granary.Silo/README.md shows them.</summary>
public sealed class OwnHostTests
{
    [Fact]
    public async Task A_host_of_ones_own_is_a_silo_in_ten_lines()
    {
        Ports ports = Ports.Free();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.UseOrleans(silo => silo.UseLocalhostClustering(ports.Silo, ports.Gateway));
        builder.Services.AddGranary(g => g
            .UseCluster()
            .UseMemoryStore()
            .Handle<int, int>("double", (number, _) => Task.FromResult(2 * number)));
        using IHost host = builder.Build();
        await host.StartAsync();
        var granary = host.Services.GetRequiredService<GranaryClient>();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("double", [1, 2, 3]);
        Assert.Equal([2, 4, 6], await batch.ResultsAsync());
        await host.StopAsync();
    }

    [Fact]
    public async Task The_silo_as_a_library_takes_handlers()
    {
        using IHost host = GranarySilo.Create(Ports.Free().Arguments, g => g
            .Handle<int, int>("double", (number, _) => Task.FromResult(2 * number)));
        await host.StartAsync();
        var granary = host.Services.GetRequiredService<GranaryClient>();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("double", [1, 2, 3]);
        Assert.Equal([2, 4, 6], await batch.ResultsAsync());
        await host.StopAsync();
    }

    [Fact]
    public async Task The_same_program_runs_on_either_engine_one_line_apart()
    {
        HostApplicationBuilder embedded = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        HostApplicationBuilder silo = Host.CreateApplicationBuilder(Ports.Free().Arguments);
        AddEmbedded(embedded);
        AddSilo(silo);
        Assert.Equal([2, 4, 6], await RunAsync(embedded));
        Assert.Equal([2, 4, 6], await RunAsync(silo));
    }

    private static void AddEmbedded(HostApplicationBuilder builder)
    {
        builder.Services.AddGranary(g => g.UseEmbedded("jobs.db").Handle<int, int>("double", Double));
    }

    private static void AddSilo(HostApplicationBuilder builder)
    {
        builder.AddGranarySilo(g => g.Handle<int, int>("double", Double));
    }

    private static Task<int> Double(int number, TaskContext task) => Task.FromResult(2 * number);

    private static async Task<IReadOnlyList<int>> RunAsync(HostApplicationBuilder builder)
    {
        using IHost host = builder.Build();
        await host.StartAsync();
        var granary = host.Services.GetRequiredService<GranaryClient>();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("double", [1, 2, 3]);
        IReadOnlyList<int> results = await batch.ResultsAsync();
        await host.StopAsync();
        return results;
    }
}
