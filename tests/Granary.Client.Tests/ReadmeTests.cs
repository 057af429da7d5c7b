using Granary;
using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Granary.Client.Tests;

/// <summary>The code in the package's README is this file's, line for line, and does what it says.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task The_code_of_the_readme_runs()
    {
        DirectoryInfo work = Directory.CreateTempSubdirectory("granary-readme");
        string before = Environment.CurrentDirectory;
        try
        {
            string page = Path.Combine(work.FullName, "page.txt");
            await File.WriteAllTextAsync(page, "twelve bytes");
            Environment.CurrentDirectory = work.FullName;
            var all = await RunAsync([page, "missing.txt"]);
            Assert.Equal(12, all[0].Value);
            Assert.Equal(JobState.Failed, all[1].State);
        }
        finally
        {
            Environment.CurrentDirectory = before;
            work.Delete(recursive: true);
        }
    }

    private static async Task<IReadOnlyList<TaskOutcome<int>>> RunAsync(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddGranary(g => g
            .UseEmbedded("jobs.db")
            .Handle<string, int>("measure", async (path, task) =>
                (await File.ReadAllTextAsync(path, task.CancellationToken)).Length));
        using IHost host = builder.Build();
        await host.StartAsync();

        GranaryClient granary = host.Services.GetRequiredService<GranaryClient>();
        BatchHandle<int> batch = await granary.StartBatchAsync<string, int>(
            "measure", args, new() { MaxConcurrency = 5 });

        // As they complete; then all in order, failures as values; then a wait whose timeout cancels nothing.
        await foreach (TaskOutcome<int> done in batch.WhenEachAsync()) Console.WriteLine(done);
        IReadOnlyList<TaskOutcome<int>> all = await batch.WhenAllAsync();
        var (finished, pending) = await batch.WaitAsync(WaitFor.All, TimeSpan.FromSeconds(2));

        Assert.Equal((2, 0), (finished.Count, pending.Count));
        await host.StopAsync();
        return all;
    }
}
