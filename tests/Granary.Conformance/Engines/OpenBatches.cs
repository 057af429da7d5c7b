using System.Text.Json;

namespace Granary.Conformance.Engines;

/// <summary>S3: a batch may be open, grows while it runs, and is never left hanging.</summary>
public abstract class OpenBatches(EngineFixture fixture) : EngineTests(fixture)
{
    private static readonly BatchOptions s_open = new() { SealTimeout = Hour };

    [Fact, Trait("promise", "S3")]
    public async Task Items_are_appended_while_it_runs_and_the_seal_ends_it()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a")], s_open);
        (await Work.NextAsync("a")).Return("a");

        AppendReceipt receipt = await batch.AppendAsync("work", ["b", "c"]);
        Assert.Equal(new AppendReceipt(1, 2), receipt);
        foreach (Attempt attempt in await Work.NextAsync(2)) attempt.Return(attempt.Name);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Succeeded == 3);
        JobStatus waiting = await batch.StatusAsync();
        Assert.Equal((JobState.Running, Reason.Open, true), (waiting.State, waiting.Reason, waiting.Open));

        await batch.SealAsync();

        Assert.Equal(["a", "b", "c"], await batch.ResultsAsync().Soon());
        JobStatus ended = await batch.StatusAsync();
        Assert.Equal((JobState.Succeeded, Reason.None, false), (ended.State, ended.Reason, ended.Open));
    }

    [Fact, Trait("promise", "S3")]
    public async Task Chains_and_batches_are_appended_too()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<JsonElement> batch = await granary.StartBatchAsync(Array.Empty<Item>(), s_open);
        await batch.AppendAsync(
            [Item.Chain(Item.Task("same", 1), Item.Task("same")), Item.Batch(1, Item.Task("same", 2))]);
        await batch.AppendAsync([Item.Task("same", 3)]);
        await batch.SealAsync();

        IReadOnlyList<JsonElement> results = await batch.ResultsAsync().Soon();
        Assert.Equal(3, results.Count);
        Assert.Equal((1, 3), (results[0].GetInt32(), results[2].GetInt32()));
        Assert.Equal(2, results[1][0].GetProperty("value").GetInt32());
    }

    [Fact, Trait("promise", "S3")]
    public async Task A_reader_sees_what_is_appended_later()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1], s_open);
        await using IAsyncEnumerator<TaskOutcome<int>> each = batch.WhenEachAsync().GetAsyncEnumerator();

        Assert.True(await each.MoveNextAsync().AsTask().Soon());
        Task<bool> next = each.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        await batch.AppendAsync("same", [2]);
        Assert.True(await next.Soon());
        Assert.Equal((2, 1), (each.Current.Value, each.Current.Index));
        await batch.SealAsync();
        Assert.False(await each.MoveNextAsync().AsTask().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task A_batch_that_is_never_sealed_is_ended_by_its_seal_timeout()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1], s_open);
        await SoonExtensions.Eventually(async () => (await batch.StatusAsync()).Counts.Succeeded == 1);

        Time.Advance(Hour - Second);
        Assert.Equal(JobState.Running, (await batch.StatusAsync()).State);
        Time.Advance(Second);

        Assert.Equal([1], await batch.ResultsAsync().Soon());
        JobStatus ended = await batch.StatusAsync();
        Assert.Equal((JobState.Succeeded, Reason.SealTimedOut, false), (ended.State, ended.Reason, ended.Open));
    }

    [Fact, Trait("promise", "S3")]
    public async Task An_append_starts_the_seal_timeout_again()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [], s_open);
        Time.Advance(Hour - Second);
        await batch.AppendAsync("same", [1]);
        Time.Advance(Hour - Second);
        Assert.True((await batch.StatusAsync()).Open);
        await batch.AppendAsync("same", [2]);
        Time.Advance(Hour);
        Assert.Equal([1, 2], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task The_seal_timeout_lets_what_runs_finish()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Do("a")], s_open);
        Attempt attempt = await Work.NextAsync("a");
        Time.Advance(Hour);
        await SoonExtensions.Eventually(async () => !(await batch.StatusAsync()).Open);
        Assert.False(attempt.IsSignaled);
        attempt.Return("a");
        Assert.Equal(["a"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task The_seal_timeout_survives_a_crash()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1], s_open);
        Time.Advance(Minute);
        granary = await RestartAsync();
        Time.Advance(Hour - Minute);
        Assert.Equal([1], await granary.GetBatch<int>(batch.Id).ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task Appends_and_the_seal_survive_a_crash()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [1], s_open);
        await batch.AppendAsync("same", [2]);
        batch = (await RestartAsync()).GetBatch<int>(batch.Id);
        await batch.AppendAsync("same", [3]);
        await batch.SealAsync();
        batch = (await RestartAsync()).GetBatch<int>(batch.Id);
        Assert.Equal([1, 2, 3], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task An_append_with_a_key_is_safe_to_repeat()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [], s_open);
        AppendReceipt first = await batch.AppendAsync("same", [1, 2], "page 1");
        await batch.AppendAsync("same", [3], "page 2");

        Assert.Equal(first, await batch.AppendAsync("same", [1, 2], "page 1"));
        batch = (await RestartAsync()).GetBatch<int>(batch.Id);
        Assert.Equal(first, await batch.AppendAsync("same", [1, 2], "page 1"));
        await batch.SealAsync();

        Assert.Equal(first, await batch.AppendAsync("same", [1, 2], "page 1"));
        Assert.Equal([1, 2, 3], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task An_append_with_a_used_key_and_other_content_is_refused()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [], s_open);
        await batch.AppendAsync("same", [1, 2], "page");

        RefusedException refused = await RefusedAsync(
            Refusal.KeyConflict, () => batch.AppendAsync("same", [1, 5], "page"));
        Assert.Contains("'page'", refused.Message, StringComparison.Ordinal);
        await RefusedAsync(Refusal.KeyConflict, () => batch.AppendAsync("same", [1], "page"));
        await RefusedAsync(Refusal.KeyConflict, () => batch.AppendAsync("same", [1, 2, 3], "page"));
        Assert.Equal(2, (await batch.StatusAsync()).ItemCount);
    }

    [Fact, Trait("promise", "S3")]
    public async Task An_append_that_breaks_appends_nothing()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<int> batch = await granary.StartBatchAsync<int, int>("same", [], s_open);
        static IEnumerable<int> Broken()
        {
            for (int i = 0; i < 3_000; i++) yield return i;
            throw new FormatException();
        }

        await Assert.ThrowsAsync<FormatException>(() => batch.AppendAsync("same", Broken()).Soon());
        await RefusedAsync(Refusal.NoHandler, () => batch.AppendAsync("nobody", [1]));

        Assert.Equal(0, (await batch.StatusAsync()).ItemCount);
        Assert.Equal(new AppendReceipt(0, 1), await batch.AppendAsync("same", [7]));
        await batch.SealAsync();
        Assert.Equal([7], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "S3")]
    public async Task Appends_that_fit_no_open_batch_are_refused()
    {
        GranaryClient granary = await StartAsync();
        BatchHandle<string> complete = await granary.StartBatchAsync<string>([Do("a")]);
        await Work.NextAsync("a");
        await RefusedAsync(Refusal.Sealed, () => complete.AppendAsync("same", ["b"]));

        BatchHandle<string> open = await granary.StartBatchAsync<string>([Do("a")], s_open);
        Attempt attempt = await Work.NextAsync("a");
        await open.SealAsync();
        await open.SealAsync();
        await RefusedAsync(Refusal.Sealed, () => open.AppendAsync("same", ["b"]));
        attempt.Return("a");
        await open.ResultsAsync().Soon();
        await RefusedAsync(Refusal.Ended, () => open.AppendAsync("same", ["b"]));

        ChainHandle<string> chain = await granary.StartChainAsync<string>(Chain.Start(Do("a")));
        await RefusedAsync(Refusal.NotABatch, () => granary.GetBatch<string>(chain.Id).AppendAsync("same", ["b"]));
        await RefusedAsync(Refusal.NotABatch, () => granary.GetBatch<string>(chain.Id).SealAsync());
    }
}
