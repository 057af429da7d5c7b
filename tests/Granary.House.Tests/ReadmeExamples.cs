using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Granary.House.Tests;

/// <summary>
/// The C# of README.md and of src/README.md, word for word: it compiles, and <see cref="DocsTests"/> sees that it is
/// the same.
/// </summary>
internal static class ReadmeExamples
{
    private static readonly HttpClient http = new();

    private static readonly Page[] pages = [new("https://example.org/")];

    public static async Task HostAsync(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddGranary(g => g
            .UseEmbedded("jobs.db")
            .Handle<Page, string>("fetch", async (page, task) =>
                await http.GetStringAsync(page.Url, task.CancellationToken))
            .Handle<string, int, Publish>("publish"));
        using IHost host = builder.Build();
        await host.StartAsync();
    }

    public static void Postgres(HostApplicationBuilder builder)
    {
        builder.Services.AddGranary(g => g
            .UsePostgres("Host=db;Username=granary;Password=…;Database=jobs")
            .UseEmbedded());
    }

    public static async Task BatchAsync(IHost host)
    {
        var granary = host.Services.GetRequiredService<GranaryClient>();
        BatchHandle<string> batch = await granary.StartBatchAsync<Page, string>(
            "fetch", pages, new() { MaxConcurrency = 5 });
        await foreach (TaskOutcome<string> done in batch.WhenEachAsync()) Console.WriteLine(done);
        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync();
        var (finished, pending) = await batch.WaitAsync(WaitFor.All, TimeSpan.FromSeconds(2));

        await batch.ResizePoolAsync(20);
        await batch.CancelPendingAsync();
        await batch.RetryFailedAsync();

        Chain nightly = Chain.Start("fetch", pages[0]).Wait(TimeSpan.FromMinutes(1)).Then("publish");
        ChainHandle<int> chain = await granary.StartChainAsync<int>(nightly, new() { Key = "nightly-2026-01-31" });
        int status = await chain.ResultAsync();
    }

    public static async Task DesignAsync(IHostApplicationBuilder builder, GranaryClient granary, string source)
    {
        builder.Services.AddGranary(g => g
            .UseEmbedded("jobs.db")
            .Handle<Page, string>("fetch", async (page, task) =>
                await http.GetStringAsync(page.Url, task.CancellationToken)));

        BatchHandle<string> batch = await granary.StartBatchAsync<Page, string>(
            "fetch", pages, new() { MaxConcurrency = 5 });

        await foreach (TaskOutcome<string> done in batch.WhenEachAsync()) Show(done);
        IReadOnlyList<TaskOutcome<string>> all = await batch.WhenAllAsync();
        var (finished, pending) = await batch.WaitAsync(WaitFor.All, TimeSpan.FromSeconds(2));
        await batch.ResizePoolAsync(20);
        await batch.CancelPendingAsync();

        var chain = await granary.StartChainAsync(
            Chain.Start("extract", source).Then("transform").Wait(TimeSpan.FromMinutes(1)).Then("load"));
    }

    private static void Show(TaskOutcome<string> outcome) => Console.WriteLine(outcome);
}

public sealed record Page(string Url);

public sealed class Publish(HttpClient http) : ITaskHandler<string, int>
{
    public async Task<int> HandleAsync(string text, TaskContext task)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://example.org/pages");
        request.Content = new StringContent(text);
        request.Headers.Add("Idempotency-Key", task.IdempotencyKey);
        using HttpResponseMessage response = await http.SendAsync(request, task.CancellationToken);
        return (int)response.EnsureSuccessStatusCode().StatusCode;
    }
}
