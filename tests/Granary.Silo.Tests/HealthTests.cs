using System.Net;
using Microsoft.Extensions.Hosting;

namespace Granary.Silo.Tests;

public sealed class HealthTests
{
    [Fact]
    public async Task A_silo_that_is_up_is_live_and_ready_and_says_what_was_set_up()
    {
        await using SiloProcess silo = await SiloProcess.StartAsync();
        Assert.Equal(HttpStatusCode.OK, await silo.AskAsync("/health/live"));
        Assert.Equal(HttpStatusCode.OK, await silo.AskAsync("/health/ready"));
        Assert.Equal(HttpStatusCode.NotFound, await silo.AskAsync("/"));
        Assert.Contains("Store: Memory.", silo.Output, StringComparison.Ordinal);
        Assert.Contains("Handlers: echo, sleep.", silo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_health_port_that_is_taken_is_said_with_the_mend()
    {
        await using SiloProcess silo = await SiloProcess.StartAsync();
        using IHost second = GranarySilo.Create(
            [.. Ports.Free().Arguments, $"--Granary:HealthPort={silo.Ports.Health}"]);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => second.StartAsync());
        Assert.Contains($"Granary:HealthPort is {silo.Ports.Health}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SiloPort")]
    [InlineData("GatewayPort")]
    public async Task A_port_that_another_silo_listens_on_is_said_and_not_shared(string name)
    {
        await using SiloProcess silo = await SiloProcess.StartAsync();
        int taken = name == "SiloPort" ? silo.Ports.Silo : silo.Ports.Gateway;
        using IHost second = GranarySilo.Create([.. Ports.Free().Arguments, $"--Orleans:Endpoints:{name}={taken}"]);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => second.StartAsync());
        Assert.Contains($"Orleans:Endpoints:{name} is {taken}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_settings_end_the_program_with_plain_lines_and_exit_code_1() =>
        Assert.Equal(1, await GranarySilo.RunAsync(["--Granary:Store=Mongo"]));
}
