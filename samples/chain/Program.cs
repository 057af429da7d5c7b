// Two steps in strict order: the second is given what the first returned. One handler is a plain function, the other
// is asynchronous. Run it with: dotnet run --project samples/chain
using Granary;
using Granary.Embedded;
using Granary.Stores;

HandlerRegistry handlers = new HandlerRegistry()
    .Handle<string, string[]>("split", (text, _) => text.Split(' '))
    .Handle<string[], int>("count", async (words, task) =>
    {
        await Task.Delay(100, task.CancellationToken);
        return words.Length;
    });

// The memory store ends with the process. A SqliteJobStore in its place makes the chain survive a crash.
await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(new MemoryJobStore(), handlers);
var granary = new GranaryClient(engine);

ChainHandle<int> chain = await granary.StartChainAsync<int>(
    Chain.Start("split", "the quick brown fox").Then("count"));

Console.WriteLine($"words: {await chain.ResultAsync()}");

foreach (var step in await chain.StepsAsync())
    Console.WriteLine($"step {step.Index}: {step.State} {step.Value.GetRawText()}");

// A step that fails ends the chain; what follows is canceled, and the error says where it was.
ChainHandle<int> broken = await granary.StartChainAsync<int>(
    Chain.Start("split", "not enough").Then("count", 42).Then("count"));

foreach (var step in await broken.StepsAsync())
    Console.WriteLine($"step {step.Index}: {step.State} {step.Reason} {step.Error?.Type}");
