// Three chains of work, wait, work under a pool of one. While A waits, B works: a wait holds no slot, so the starts are
// A1 B1 C1, A2 B2 C2, and all three wait at the same time. Run it with: dotnet run --project samples/interleave
using System.Diagnostics;
using Granary;
using Granary.Embedded;
using Granary.Stores;

var clock = Stopwatch.StartNew();
var starts = new List<string>();
TimeSpan wait = TimeSpan.FromSeconds(2);

HandlerRegistry handlers = new HandlerRegistry().Handle<string, string>("work", async (name, task) =>
{
    starts.Add(name);
    Console.WriteLine($"{clock.Elapsed.TotalSeconds,4:0.0} s  {name}");
    await Task.Delay(50, task.CancellationToken);
    return name;
});

await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(new MemoryJobStore(), handlers);
var granary = new GranaryClient(engine);

IEnumerable<Item> chains = "ABC".Select(name =>
    Item.Chain(Item.Task("work", $"{name}1"), Item.Wait(wait), Item.Task("work", $"{name}2")));

BatchHandle<string> batch = await granary.StartBatchAsync<string>(chains, new() { MaxConcurrency = 1 });
IReadOnlyList<string> results = await batch.ResultsAsync();

Console.WriteLine($"starts:  {string.Join(' ', starts)}");
Console.WriteLine($"results: {string.Join(' ', results)}");
Console.WriteLine(clock.Elapsed < 2 * wait
    ? "The three waits took the time of one."
    : $"The three waits took {clock.Elapsed.TotalSeconds:0.0} s.");
