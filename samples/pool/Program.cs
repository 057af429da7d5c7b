// Ten tasks, five at a time. Some fail; the others do not notice, and the results come in the order of submission.
// Run it with: dotnet run --project samples/pool
using System.Collections.Concurrent;
using Granary;
using Granary.Embedded;
using Granary.Stores;

int running = 0;
var seen = new ConcurrentBag<int>();

HandlerRegistry handlers = new HandlerRegistry().Handle<int, int>("square", async (number, task) =>
{
    seen.Add(Interlocked.Increment(ref running));
    try
    {
        await Task.Delay(50 + (10 - number) * 10, task.CancellationToken);
        return number % 4 == 3 ? throw new InvalidOperationException("Something happened") : number * number;
    }
    finally
    {
        Interlocked.Decrement(ref running);
    }
});

await using EmbeddedEngine engine = await EmbeddedEngine.StartAsync(new MemoryJobStore(), handlers);
var granary = new GranaryClient(engine);

BatchHandle<int> batch = await granary.StartBatchAsync<int, int>(
    "square", Enumerable.Range(0, 10), new() { MaxConcurrency = 5 });

foreach (TaskOutcome<int> outcome in await batch.WhenAllAsync())
    Console.WriteLine($"task {outcome.Index}: {(outcome.Succeeded ? outcome.Value : outcome.Error!.Message)}");

JobStatus status = await batch.StatusAsync();
Console.WriteLine(
    $"{status.Counts.Succeeded} succeeded, {status.Counts.Failed} failed, never more than {seen.Max()} at once");
