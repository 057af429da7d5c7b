namespace Granary.Conformance.Engines;

/// <summary>Q3: wait for the first, the first exception or all, with a timeout that cancels nothing.</summary>
public abstract class Waiting(EngineFixture fixture) : EngineTests(fixture)
{
    private async Task<(BatchHandle<string> Batch, Attempt[] Attempts)> StartThreeAsync()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>("abc".Select(name => Do($"{name}")), Pool(3));
        return (batch, await Work.NextAsync(3));
    }

    [Fact, Trait("promise", "Q3")]
    public async Task First_returns_at_the_first_outcome_of_any_kind()
    {
        var (batch, attempts) = await StartThreeAsync();
        Task<BatchWait<string>> waiting = batch.WaitAsync(WaitFor.First);
        Assert.False(waiting.IsCompleted);
        attempts[1].Return("b");
        var (done, pending) = await waiting.Soon();
        Assert.Equal("b", Assert.Single(done).Value);
        Assert.Equal([0, 2], pending);
    }

    [Fact, Trait("promise", "Q3")]
    public async Task First_returns_at_once_when_there_is_one_already_with_all_that_are_there()
    {
        var (batch, attempts) = await StartThreeAsync();
        attempts[0].Return("a");
        attempts[2].Fail();
        await CompletedAsync(batch, 2);
        var (done, pending) = await batch.WaitAsync(WaitFor.First).Soon();
        Assert.Equal([0, 2], done.Select(outcome => outcome.Index));
        Assert.Equal([1], pending);
    }

    [Fact, Trait("promise", "Q3")]
    public async Task FirstException_waits_for_a_failure()
    {
        var (batch, attempts) = await StartThreeAsync();
        Task<BatchWait<string>> waiting = batch.WaitAsync(WaitFor.FirstException);
        attempts[0].Return("a");
        await CompletedAsync(batch, 1);
        Assert.False(waiting.IsCompleted);
        attempts[1].Fail();
        var (done, pending) = await waiting.Soon();
        Assert.Equal([0, 1], done.Select(outcome => outcome.Index));
        Assert.Equal([2], pending);
    }

    [Fact, Trait("promise", "Q3")]
    public async Task FirstException_returns_at_the_end_when_nothing_fails()
    {
        var (batch, attempts) = await StartThreeAsync();
        foreach (Attempt attempt in attempts) attempt.Return("fine");
        var (done, pending) = await batch.WaitAsync(WaitFor.FirstException).Soon();
        Assert.Equal((3, 0), (done.Count, pending.Count));
    }

    [Fact, Trait("promise", "Q3")]
    public async Task All_returns_at_the_end_with_everything_in_submission_order()
    {
        var (batch, attempts) = await StartThreeAsync();
        Task<BatchWait<string>> waiting = batch.WaitAsync();
        attempts[2].Return("c");
        attempts[1].Fail();
        await CompletedAsync(batch, 2);
        Assert.False(waiting.IsCompleted);
        attempts[0].Return("a");
        var (done, pending) = await waiting.Soon();
        Assert.Equal([0, 1, 2], done.Select(outcome => outcome.Index));
        Assert.Empty(pending);
    }

    [Fact, Trait("promise", "Q3")]
    public async Task A_timeout_tells_what_is_done_and_what_is_not_and_cancels_nothing()
    {
        var (batch, attempts) = await StartThreeAsync();
        attempts[1].Return("b");
        await CompletedAsync(batch, 1);
        Task<BatchWait<string>> waiting = batch.WaitAsync(WaitFor.All, 2 * Second);
        Time.Advance(2 * Second - TimeSpan.FromTicks(1));
        Assert.False(waiting.IsCompleted);
        Time.Advance(TimeSpan.FromTicks(1));
        var (done, pending) = await waiting.Soon();
        Assert.Equal("b", Assert.Single(done).Value);
        Assert.Equal([0, 2], pending);

        Assert.False(attempts[0].IsSignaled);
        foreach (Attempt attempt in attempts) attempt.Return("late");
        Assert.Equal(["late", "b", "late"], await batch.ResultsAsync().Soon());
    }

    [Fact, Trait("promise", "Q3")]
    public async Task A_timeout_of_nothing_only_looks()
    {
        var (batch, attempts) = await StartThreeAsync();
        var (none, pending) = await batch.WaitAsync(WaitFor.All, TimeSpan.Zero).Soon();
        Assert.Equal((0, 3), (none.Count, pending.Count));
        foreach (Attempt attempt in attempts) attempt.Return();
        await EndedAsync(batch);
        Assert.Equal(3, (await batch.WaitAsync(WaitFor.All, TimeSpan.Zero).Soon()).Done.Count);
    }

    [Fact, Trait("promise", "Q3")]
    public async Task A_canceled_wait_throws_and_cancels_nothing()
    {
        var (batch, attempts) = await StartThreeAsync();
        using var cancel = new CancellationTokenSource();
        Task<BatchWait<string>> waiting = batch.WaitAsync(WaitFor.All, Hour, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
        Assert.All(attempts, attempt => Assert.False(attempt.IsSignaled));
        foreach (Attempt attempt in attempts) attempt.Return();
        await batch.ResultsAsync().Soon();
    }

    [Fact, Trait("promise", "Q3")]
    public async Task Canceled_items_are_done_and_are_no_exceptions()
    {
        GranaryClient granary = await StartAsync();
        var batch = await granary.StartBatchAsync<string>([Do("a"), Do("b"), Do("c")], Pool(1));
        Attempt attempt = await Work.NextAsync("a");
        Task<BatchWait<string>> waiting = batch.WaitAsync(WaitFor.FirstException);
        await batch.CancelPendingAsync();
        await CompletedAsync(batch, 2);
        Assert.False(waiting.IsCompleted);
        Assert.Equal([1, 2], (await batch.WaitAsync(WaitFor.First).Soon()).Done.Select(outcome => outcome.Index));
        attempt.Return();
        Assert.Equal(3, (await waiting.Soon()).Done.Count);
    }

    [Theory, Trait("promise", "Q3"), InlineData(-2), InlineData(-1_000_000)]
    public async Task A_negative_timeout_is_refused(int milliseconds)
    {
        var (batch, _) = await StartThreeAsync();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => batch.WaitAsync(WaitFor.All, TimeSpan.FromMilliseconds(milliseconds)));
    }
}
