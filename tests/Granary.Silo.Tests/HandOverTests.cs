using Granary.Conformance.Stores;

namespace Granary.Silo.Tests;

public sealed class HandOverTests
{
    [PostgresFact]
    public Task A_task_that_a_stopping_silo_gives_back_runs_again_on_the_next_without_a_call() =>
        RunsAgainAsync(async silo =>
        {
            await silo.TerminateAsync();
            Assert.Equal(0, await silo.ExitAsync());
        });

    [PostgresFact]
    public Task A_task_whose_silo_was_killed_runs_again_on_the_next_without_a_call() =>
        RunsAgainAsync(silo => silo.KillAsync());

    private static async Task RunsAgainAsync(Func<SiloProcess, Task> end)
    {
        using var gate = new Gate();
        await using PostgresServer server = await PostgresServer.LaunchAsync();
        string[] settings =
        [
            $"--ConnectionStrings:Granary={server.ConnectionString()}", "--Granary:BuiltIns=http",
            "--Granary:DrainTimeout=0s",
        ];
        JobId job;
        await using (SiloProcess first = await SiloProcess.StartAsync(settings))
        {
            await using ClusterClient client = await ClusterClient.ConnectAsync(first.Ports.Gateway);
            var started = await client.Granary.StartBatchAsync<object, object>("http", [new { url = gate.Address }]);
            job = started.Id;
            await gate.EnteredAsync();
            await end(first);
        }

        await using SiloProcess second = await SiloProcess.StartAsync(settings);
        // Nobody has asked for the job: the silo finds it.
        await gate.EnteredAsync();
        gate.Open();
        await using ClusterClient other = await ClusterClient.ConnectAsync(second.Ports.Gateway);
        BatchHandle<object> batch = other.Granary.GetBatch<object>(job);
        TaskOutcome<object> outcome = Assert.Single(await batch.WhenAllAsync());
        Assert.Equal(JobState.Succeeded, outcome.State);
    }
}
