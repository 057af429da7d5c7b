namespace Granary.Conformance.Engines;

/// <summary>Q2: every outcome once, in completion order, from any cursor, over restarts.</summary>
public abstract class Streaming(EngineFixture fixture) : EngineTests(fixture)
{
    [Fact, Trait("promise", "Q2")]
    public async Task Outcomes_come_in_the_order_of_completion()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abc".Select(name => Do($"{name}")), Pool(3));
        Attempt[] attempts = await Work.NextAsync(3);
        await using var each = batch.WhenEachAsync().GetAsyncEnumerator();
        int sequence = 0;
        foreach (int index in new[] { 2, 0, 1 })
        {
            Task<bool> next = each.MoveNextAsync().AsTask();
            Assert.False(next.IsCompleted);
            attempts[index].Return(attempts[index].Name);
            Assert.True(await next.Soon());
            Assert.Equal((index, ++sequence), (each.Current.Index, each.Current.Sequence));
        }
        Assert.False(await each.MoveNextAsync().AsTask().Soon());
    }

    [Fact, Trait("promise", "Q2")]
    public async Task Sequence_numbers_have_no_gaps_and_every_item_comes_once()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 5_000), Pool(16));
        var each = await ListAsync(batch.WhenEachAsync()).Soon();
        Assert.Equal(Enumerable.Range(1, 5_000), each.Select(outcome => outcome.Sequence));
        Assert.Equal(Enumerable.Range(0, 5_000), each.Select(outcome => outcome.Index).Order());
    }

    [Fact, Trait("promise", "Q2")]
    public async Task A_reader_goes_on_from_its_cursor()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 100), Pool(4));
        var whole = await ListAsync(batch.WhenEachAsync()).Soon();
        foreach (int cursor in new[] { 0, 1, 50, 99, 100 })
        {
            var rest = await ListAsync(batch.WhenEachAsync(cursor)).Soon();
            Assert.Equal(whole.Skip(cursor).Select(outcome => outcome.Index), rest.Select(outcome => outcome.Index));
        }
    }

    [Fact, Trait("promise", "Q2")]
    public async Task A_reader_goes_on_from_its_cursor_after_crashes_and_misses_and_repeats_nothing()
    {
        GranaryClient granary = await StartAsync();
        Item[] items = [.. Enumerable.Range(0, 12).Select(i => Do($"{i:d2}"))];
        JobId id = (await granary.StartBatchAsync<string>(items, Pool(1))).Id;
        var seen = new List<int>();
        int cursor = 0;
        for (int i = 0; i < 12; i++)
        {
            (await Work.NextAsync($"{i:d2}")).Return(i);
            await using var each = granary.GetBatch<int>(id).WhenEachAsync(cursor).GetAsyncEnumerator();
            Assert.True(await each.MoveNextAsync().AsTask().Soon());
            seen.Add(each.Current.Value);
            cursor = each.Current.Sequence;
            if (i % 3 == 2) granary = await RestartAsync();
        }
        Assert.Equal(Enumerable.Range(0, 12), seen);
        Assert.Empty(await ListAsync(granary.GetBatch<int>(id).WhenEachAsync(cursor)).Soon());
    }

    [Fact, Trait("promise", "Q2")]
    public async Task What_was_shown_is_durable()
    {
        GranaryClient granary = await StartAsync();
        for (int round = 0; round < 10; round++)
        {
            JobId id = (await granary.StartBatchAsync<string>("abcde".Select(name => Do($"{name}")), Pool(5))).Id;
            await using var each = granary.GetBatch<string>(id).WhenEachAsync().GetAsyncEnumerator();
            foreach (Attempt attempt in await Work.NextAsync(5)) attempt.Return(attempt.Name);
            Assert.True(await each.MoveNextAsync().AsTask().Soon());
            TaskOutcome<string> shown = each.Current;

            granary = await RestartAsync();

            Outcome first = (await ShownAsync(id))[0];
            Assert.Equal((shown.Index, shown.Sequence), (first.Index, first.Sequence));
            await granary.GetBatch<string>(id).CancelAsync();
            granary = await RestartAsync();
        }
    }

    [Fact, Trait("promise", "Q2")]
    public async Task Several_readers_see_the_same()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>(Enumerable.Range(0, 30).Select(i => Do($"{i:d2}")), Pool(3));
        Task<List<TaskOutcome<string>>>[] readers = [.. Enumerable.Range(0, 8).Select(
            _ => ListAsync(batch.WhenEachAsync()))];
        for (int i = 0; i < 30; i++) (await Work.NextAsync()).Return("done");
        List<TaskOutcome<string>>[] all = await Task.WhenAll(readers).Soon();
        Assert.All(
            all, list => Assert.Equal(all[0].Select(outcome => outcome.Index), list.Select(outcome => outcome.Index)));
        Assert.Equal(30, all[0].Count);
    }

    [Fact, Trait("promise", "Q2")]
    public async Task A_reader_that_stops_reading_harms_nobody()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        using var cancel = new CancellationTokenSource();
        Task<List<TaskOutcome<string>>> reading = ListAsync(batch.WhenEachAsync(0, cancel.Token));
        Attempt attempt = await Work.NextAsync("a");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Soon());
        Assert.False(attempt.IsSignaled);
        attempt.Return("a");
        Assert.Single(await ListAsync(batch.WhenEachAsync()).Soon());
    }

    [Fact, Trait("promise", "Q2")]
    public async Task A_long_poll_answers_with_nothing_when_its_patience_is_over()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a")]);
        await Work.NextAsync("a");
        CompletionPage none = await Engine.ReadCompletionsAsync(batch.Id, 0, 10, TimeSpan.Zero).Soon();
        Assert.Equal((0, false), (none.Outcomes.Count, none.Ended));
        Task<CompletionPage> poll = Engine.ReadCompletionsAsync(batch.Id, 0, 10, Minute);
        await SoonExtensions.Eventually(() =>
        {
            Time.Advance(Minute);
            return Task.FromResult(poll.IsCompleted);
        });
        Assert.Equal((0, false), ((await poll).Outcomes.Count, (await poll).Ended));
    }

    [Fact, Trait("promise", "Q2")]
    public async Task Pages_end_where_they_are_told_and_only_the_last_says_that_the_job_ended()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<int, int>("same", Enumerable.Range(0, 10));
        await batch.WhenAllAsync().Soon();
        for (int after = 0; after < 10;)
        {
            CompletionPage page = await Engine.ReadCompletionsAsync(batch.Id, after, 4, Minute).Soon();
            Assert.InRange(page.Outcomes.Count, 1, 4);
            Assert.Equal(Enumerable.Range(after + 1, page.Outcomes.Count), page.Outcomes.Select(o => o.Sequence));
            after += page.Outcomes.Count;
            Assert.Equal(after == 10, page.Ended);
        }
        CompletionPage beyond = await Engine.ReadCompletionsAsync(batch.Id, 10, 100, Minute).Soon();
        Assert.Equal((0, true), (beyond.Outcomes.Count, beyond.Ended));
    }
}
