using System.Net;

namespace Granary.Silo.Tests;

public sealed class DrainTests
{
    [Fact]
    public async Task A_silo_that_is_told_to_stop_is_unready_at_once_and_finishes_what_runs()
    {
        if (OperatingSystem.IsWindows()) return;
        using var gate = new Gate();
        await using SiloProcess silo =
            await SiloProcess.StartAsync("--Granary:BuiltIns=http", "--Granary:DrainTimeout=5m");
        await using ClusterClient client = await ClusterClient.ConnectAsync(silo.Ports.Gateway);
        await client.Granary.StartBatchAsync<object, object>(
            "http", [new { url = gate.Address }, new { url = gate.Address }], new() { MaxConcurrency = 1 });
        await gate.EnteredAsync();

        await silo.TerminateAsync();
        await silo.UntilAsync("/health/ready", HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, await silo.AskAsync("/health/live"));
        gate.Open();

        Assert.Equal(0, await silo.ExitAsync());
        // The task that ran was finished, and the one behind it did not start.
        Assert.Equal(1, gate.Answered);
    }

    [Fact]
    public async Task What_does_not_finish_in_time_does_not_keep_the_silo()
    {
        if (OperatingSystem.IsWindows()) return;
        await using SiloProcess silo = await SiloProcess.StartAsync("--Granary:DrainTimeout=0s");
        await using ClusterClient client = await ClusterClient.ConnectAsync(silo.Ports.Gateway);
        BatchHandle<object> batch =
            await client.Granary.StartBatchAsync<object, object>("sleep", [new { duration = "1h" }]);
        while ((await batch.StatusAsync()).Counts.Running == 0) await Task.Delay(20);

        await silo.TerminateAsync();

        Assert.Equal(0, await silo.ExitAsync());
    }
}
