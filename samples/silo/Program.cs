// A silo with handlers of its own: the place where they are registered is this file.
// Run it with: dotnet run --project samples/silo
using Granary.Silo;

return await GranarySilo.RunAsync(args, g => g
    .Handle<string, int>("count", async (text, task) =>
    {
        await Task.Delay(100, task.CancellationToken);
        return text.Split(' ').Length;
    }));
