// What asyncio calls wait, all_tasks, cancel, as_completed and gather, on one batch.
// Run it with: dotnet run --project samples/tasks
using Granary;
using Granary.Embedded;
using Granary.Stores;

HandlerRegistry handlers = new HandlerRegistry().Handle<Dish, string>("cook", async (dish, task) =>
{
    await Task.Delay(TimeSpan.FromSeconds(dish.Seconds), task.CancellationToken);
    return $"{dish.Name} is ready";
});

await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(new MemoryJobStore(), handlers);
var granary = new GranaryClient(engine);

Dish[] dishes =
[
    new("tea", 0.1), new("toast", 0.6), new("eggs", 1.2),
    new("roast", 3600), new("bread", 3600), new("stew", 3600), new("cake", 3600),
];
BatchHandle<string> batch = await granary.StartBatchAsync<Dish, string>("cook", dishes, new() { MaxConcurrency = 3 });

var (first, _) = await batch.WaitAsync(WaitFor.First);
Console.WriteLine($"first: {first[0].Value}");

Console.WriteLine("pending:");
await foreach (var task in batch.ListPendingAsync())
    Console.WriteLine($"  {dishes[int.Parse(task.Path)].Name}: {task.State} {task.Reason}");

// A timeout is no error and cancels nothing.
var (done, pending) = await batch.WaitAsync(WaitFor.All, TimeSpan.FromSeconds(3));
Console.WriteLine($"done:    {string.Join(", ", done.Select(outcome => dishes[outcome.Index].Name))}");
Console.WriteLine($"pending: {string.Join(", ", pending.Select(index => dishes[index].Name))}");

await batch.CancelPendingAsync();   // the cake has not started; what is in the oven goes on
await batch.CancelAsync();          // now that is asked to stop, too

Console.WriteLine("as they completed:");
await foreach (TaskOutcome<string> outcome in batch.WhenEachAsync())
    Console.WriteLine($"  {dishes[outcome.Index].Name}: {outcome.State} {outcome.Reason}");

Console.WriteLine("in the order of submission:");
foreach (TaskOutcome<string> outcome in await batch.WhenAllAsync())
    Console.WriteLine($"  {dishes[outcome.Index].Name}: {(outcome.Succeeded ? outcome.Value : outcome.State)}");

internal sealed record Dish(string Name, double Seconds);
