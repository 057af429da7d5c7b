using System.Text.Json;
using Xunit;

namespace Granary.Client.Tests;

/// <summary>Typed outcomes, and the exceptions that tell of failures.</summary>
public sealed class OutcomeTests
{
    private static BatchHandle<T> Batch<T>(params Outcome[] log) =>
        new GranaryClient(new ReplayEngine(log)).GetBatch<T>(new JobId(1));

    [Fact]
    public void A_value_is_read_once()
    {
        var outcome = new TaskOutcome<string[]>(ReplayEngine.Outcome(0, 1, """["a"]"""));
        Assert.Same(outcome.Value, outcome.Value);
    }

    [Fact]
    public void An_outcome_describes_itself()
    {
        Assert.Equal("#3 Succeeded", new TaskOutcome<int>(ReplayEngine.Outcome(3, 1, "1")).ToString());
        Assert.Equal("#3 Failed: Broken: no", new TaskOutcome<int>(ReplayEngine.Outcome(3, 1, null)).ToString());
    }

    [Fact]
    public async Task ResultsAsync_lists_five_failures_and_counts_the_rest()
    {
        var batch = Batch<int>(
            [.. Enumerable.Range(0, 9).Select(i => ReplayEngine.Outcome(i, i + 1, i == 8 ? "1" : null, $"no {i}"))]);
        var thrown = await Assert.ThrowsAsync<BatchFailedException>(() => batch.ResultsAsync());
        Assert.StartsWith(
            "8 of 9 items of batch 0000000000001 did not succeed: #0 Failed: Broken: no 0;", thrown.Message);
        Assert.Contains("#4 Failed: Broken: no 4; and 3 more. WhenAllAsync", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(8, thrown.Failures.Count);
    }

    [Fact]
    public async Task Json_is_a_type_like_any_other()
    {
        BatchHandle<JsonElement> batch = Batch<JsonElement>(ReplayEngine.Outcome(0, 1, """{"a":[1]}"""));
        TaskOutcome<JsonElement> outcome = (await batch.WhenAllAsync())[0];
        Assert.Equal(1, outcome.Value.GetProperty("a")[0].GetInt32());
        Assert.Equal("""{"a":[1]}""", outcome.Value.GetRawText());
    }

    [Fact]
    public async Task A_negative_cursor_is_refused()
    {
        BatchHandle<int> batch = Batch<int>();
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.WhenEachAsync(-1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => batch.WaitAsync((WaitFor)9));
    }
}
