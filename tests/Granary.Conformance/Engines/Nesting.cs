using System.Text.Json;

namespace Granary.Conformance.Engines;

/// <summary>Chains of batches of chains: every promise holds at every depth.</summary>
public abstract class Nesting(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "C2")]
    public async Task A_chain_of_batches_of_chains_pipes_results_through()
    {
        GranaryClient granary = await StartAsync(handlers => handlers
            .Handle<int, int>("double", (number, _) => 2 * number)
            .Handle<JsonElement, int>("sum", (outcomes, _) =>
                outcomes.EnumerateArray().Sum(outcome => outcome.GetProperty("value").GetInt32())));
        Item Doubling(int number) => Item.Chain(Item.Task("double", number), Item.Wait(Minute), Item.Task("double"));
        Item Summing(params int[] numbers) =>
            Item.Chain(Item.Batch(2, [.. numbers.Select(Doubling)]), Item.Task("sum"));

        var batch = await granary.StartBatchAsync<int>(
            [Item.Chain(Item.Batch(2, Summing(1, 2), Summing(3, 4)), Item.Task("sum")), Summing(5)]);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Waiting == 5);
        Time.Advance(Minute);

        Assert.Equal([40, 20], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "R7")]
    public async Task Nested_work_goes_on_after_a_crash_at_every_step()
    {
        GranaryClient granary = await StartAsync();
        Item Chained(string name) =>
            Item.Chain(Do($"{name}1"), Item.Batch(1, Do($"{name}2"), Do($"{name}3")), Item.Task("work"));
        Item item = Item.Chain(Item.Batch(1, Chained("a"), Chained("b")), Item.Task("work"));
        JobId id = (await granary.StartBatchAsync([item])).Id;
        var order = new List<string>();
        while (order.Count < 9)
        {
            Attempt attempt = await Work.NextAsync();
            string name = attempt.Name.Length > 0
                ? attempt.Name
                : $"[{attempt.Task.Input<JsonElement>().GetArrayLength()}]";
            granary = await RestartAsync();
            (await Work.NextAsync()).Return(name);
            order.Add(name);
        }
        Assert.Equal(["a1", "a2", "a3", "[2]", "b1", "b2", "b3", "[2]", "[2]"], order);
        var all = await granary.GetBatch<string>(id).WhenAllAsync().Soon();
        Assert.Equal("[2]", all[0].Value);
    }

    [Fact, Trait("promise", "R4")]
    public async Task Tasks_know_their_place()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Do("a"), Item.Chain(Do("b"), Item.Batch(3, Do("c"), Do("d"))), Do("e")], Pool(9));
        (await Work.NextAsync(3))[1].Return();
        Attempt[] inner = await Work.NextAsync(2);
        Assert.Equal([0, 1], inner.Select(attempt => attempt.Task.Index));
        Assert.All(inner, attempt => Assert.Equal(
            (batch.Id, "work", 1), (attempt.Task.Job, attempt.Task.Handler, attempt.Task.Attempt)));

        PendingTask[] pending = await PendingAsync(batch);
        Assert.Equal(["0", "1.1.0", "1.1.1", "2"], pending.Select(task => task.Path));
        Assert.Equal(pending.Select(task => task.Node).Order(), pending.Select(task => task.Node));
        Assert.Equal(pending.Length, pending.Select(task => task.Node).Distinct().Count());
        Assert.Equal([pending[1].Node, pending[2].Node], inner.Select(attempt => attempt.Task.Node));
    }

    [Fact, Trait("promise", "Q2")]
    public async Task Only_the_jobs_own_items_are_in_its_completion_log()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync(
            [Item.Batch(2, Item.Task("same", 1), Item.Task("same", 2)), Item.Chain(
                Item.Task("same", 3), Item.Task("same", 4))]);
        var each = await ListAsync(batch.WhenEachAsync()).Soon();
        Assert.Equal([1, 2], each.Select(outcome => outcome.Sequence));
        Assert.Equal([0, 1], each.Select(outcome => outcome.Index).Order());
        JobStatus status = await batch.StatusAsync();
        Assert.Equal((2, 2, 4), (status.ItemCount, status.CompletionCount, status.Counts.Succeeded));
    }
}
