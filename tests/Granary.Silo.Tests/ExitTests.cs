using Granary.Conformance.Stores;
using Npgsql;

namespace Granary.Silo.Tests;

/// <summary>What the exit code tells whoever supervises a silo.</summary>
public sealed class ExitTests
{
    [PostgresFact]
    public async Task A_silo_whose_store_will_not_write_again_ends_with_2_so_that_it_is_started_again()
    {
        await using PostgresServer server = await PostgresServer.LaunchAsync();
        string[] settings = [$"--ConnectionStrings:Granary={server.ConnectionString()}", "--Granary:DrainTimeout=0s"];
        await using (SiloProcess silo = await SiloProcess.StartAsync(settings))
        {
            await using ClusterClient client = await ClusterClient.ConnectAsync(silo.Ports.Gateway);
            Assert.Equal(["before"], await RunAsync(client, "before"));
            // As after a restore, or where a standby took over that had not received the last commit.
            await LoseACommitAsync(server);
            using var enough = new CancellationTokenSource();
            Task refused = RunAsync(client, "refused", enough.Token);
            Assert.Equal(2, await silo.ExitAsync());
            await enough.CancelAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => refused);
            Assert.Contains("does not have the last commit", silo.Output, StringComparison.Ordinal);
            Assert.Contains("The silo has stopped by itself", silo.Output, StringComparison.Ordinal);
        }
        await using SiloProcess next = await SiloProcess.StartAsync(settings);
        await using ClusterClient other = await ClusterClient.ConnectAsync(next.Ports.Gateway);
        Assert.Equal(["after"], await RunAsync(other, "after"));
    }

    [Fact]
    public async Task A_silo_that_cannot_start_says_why_in_its_last_line_and_ends_with_1()
    {
        await using SiloProcess silo = SiloProcess.Start("--ConnectionStrings:Granary=Host=/nowhere;Username=me");
        Assert.Equal(1, await silo.ExitAsync());
        Assert.Contains("ended with an error. PostgreSQL does not answer", silo.Output, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<string>> RunAsync(
        ClusterClient client, string text, CancellationToken cancellation = default)
    {
        BatchHandle<string> batch = await client.Granary.StartBatchAsync<string, string>(
            "echo", [text], cancellation: cancellation);
        return await batch.ResultsAsync(cancellation);
    }

    private static async Task LoseACommitAsync(PostgresServer server)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(server.ConnectionString());
        await using NpgsqlCommand lose = source.CreateCommand("UPDATE granary.writers SET number = number - 1");
        await lose.ExecuteNonQueryAsync();
    }
}
