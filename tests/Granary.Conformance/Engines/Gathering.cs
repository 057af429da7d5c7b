namespace Granary.Conformance.Engines;

/// <summary>Q1: every outcome in submission order, failures as values; or the values, or one exception.</summary>
public abstract class Gathering(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "Q1")]
    public async Task Outcomes_are_in_submission_order_whatever_the_order_of_completion()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abcd".Select(name => Do($"{name}")), Pool(4));
        Task<IReadOnlyList<TaskOutcome<string>>> gathering = batch.WhenAllAsync();
        foreach (Attempt attempt in (await Work.NextAsync(4)).Reverse())
        {
            int before = (await batch.StatusAsync()).CompletionCount;
            attempt.Return(attempt.Name);
            await CompletedAsync(batch, before + 1);
        }
        var all = await gathering.Soon();
        Assert.Equal(["a", "b", "c", "d"], all.Select(outcome => outcome.Value));
        Assert.Equal([0, 1, 2, 3], all.Select(outcome => outcome.Index));
        Assert.Equal([4, 3, 2, 1], all.Select(outcome => outcome.Sequence));
    }

    [Fact, Trait("promise", "Q1")]
    public async Task Failures_are_values_and_their_Value_says_what_happened()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            [Item.Task("fail", "Something happened"), Item.Task("same", "fine")]);
        var all = await batch.WhenAllAsync().Soon();
        Assert.False(all[0].Succeeded);
        Assert.Equal("Something happened", all[0].Error!.Message);
        var thrown = Assert.Throws<InvalidOperationException>(() => all[0].Value);
        Assert.Contains("Something happened", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("fine", all[1].Value);
    }

    [Fact, Trait("promise", "Q1")]
    public async Task ResultsAsync_throws_the_first_failures_and_their_count()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(
            Enumerable.Range(0, 20).Select(i => i < 12 ? Item.Task("fail", $"no {i}") : Item.Task("same", $"yes {i}")));
        var thrown = await Assert.ThrowsAsync<BatchFailedException>(() => batch.ResultsAsync().Soon());
        Assert.Contains("12 of 20", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("no 0", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 12), thrown.Failures.Select(failure => failure.Index));
        Assert.Equal(batch.Id, thrown.Job);
    }

    [Fact, Trait("promise", "Q1")]
    public async Task Values_have_their_types()
    {
        GranaryClient granary = await StartAsync(handlers => handlers
            .Handle<Page, Visit>("visit", (page, _) => new Visit(page, page.Url.Length, ["a", "ü€😀\"\\"])));
        var pages = new Page[] { new("http://x/1", null), new("http://x/22", 7) };
        var batch = await granary.StartBatchAsync<Page, Visit>("visit", pages);
        IReadOnlyList<Visit> visits = await batch.ResultsAsync().Soon();
        Assert.Equal(pages, visits.Select(visit => visit.Page));
        Assert.Equal([10, 11], visits.Select(visit => visit.Length));
        Assert.Equal(["a", "ü€😀\"\\"], visits[1].Words);
    }

    [Fact, Trait("promise", "Q1")]
    public async Task A_value_of_another_type_is_a_clear_error_and_its_json_can_be_read()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string, int>("same", ["seven"]);
        TaskOutcome<int> outcome = (await batch.WhenAllAsync().Soon())[0];
        var thrown = Assert.Throws<InvalidOperationException>(() => outcome.Value);
        Assert.Contains("System.Int32", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("\"seven\""u8.ToArray(), outcome.Json.ToArray());
    }

    [Fact, Trait("promise", "Q1")]
    public async Task Thousands_of_outcomes_are_gathered_page_by_page()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 10_000), Pool(16));
        Assert.Equal(Enumerable.Range(0, 10_000), await batch.ResultsAsync().Soon());
        batch = (await RestartAsync()).GetBatch<int>(batch.Id);
        Assert.Equal(Enumerable.Range(0, 10_000), await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "Q1")]
    public async Task Large_results_are_gathered_in_pages_of_bounded_size()
    {
        GranaryClient granary = await StartAsync(
            handlers => handlers.Handle<int, string>("long", (i, _) => new string((char)('a' + i), 500_000)));
        var batch = await granary.StartBatchAsync<int, string>("long", Enumerable.Range(0, 26), Pool(4));
        IReadOnlyList<string> results = await batch.ResultsAsync().Soon();
        for (int i = 0; i < 26; i++) Assert.Equal(new string((char)('a' + i), 500_000), results[i]);
        var page = await Engine.ReadCompletionsAsync(batch.Id, 0, 1_000, TimeSpan.Zero);
        Assert.InRange(page.Outcomes.Sum(outcome => (long)outcome.Value.Length), 500_002, 16 << 20);
    }

    [Fact, Trait("promise", "Q1")]
    public async Task Outcomes_can_be_read_by_place_while_the_batch_runs()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abc".Select(name => Do($"{name}")), Pool(3));
        Attempt[] attempts = await Work.NextAsync(3);
        attempts[1].Return("b");
        await CompletedAsync(batch, 1);
        var outcomes = await Engine.ReadOutcomesAsync(batch.Id, 0, 10);
        Assert.Equal([false, true, false], outcomes.Select(outcome => outcome is not null));
        Assert.Equal(1, Assert.Single(await Engine.ReadOutcomesAsync(batch.Id, 1, 1))!.Index);
        Assert.Empty(await Engine.ReadOutcomesAsync(batch.Id, 3, 10));
    }

    private sealed record Page(string Url, int? Depth);

    private sealed record Visit(Page Page, int Length, string[] Words);
}
