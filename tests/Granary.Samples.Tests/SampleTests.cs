using Xunit;

namespace Granary.Samples.Tests;

/// <summary>The samples print what their text says.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task Chain_runs_its_steps_in_order_and_ends_at_a_failed_one()
    {
        string[] lines = await SampleProcess.RunSampleAsync("chain");
        Assert.Equal(
            [
                "words: 4",
                """step 0: Succeeded ["the","quick","brown","fox"]""",
                "step 1: Succeeded 4",
                "step 0: Succeeded None ",
                "step 1: Failed None BadArguments",
                "step 2: Canceled UpstreamFailed",
            ],
            lines);
    }

    [Fact]
    public async Task Interleave_overlaps_the_waits()
    {
        string[] lines = await SampleProcess.RunSampleAsync("interleave");
        Assert.Equal(9, lines.Length);
        Assert.Equal(["A1", "B1", "C1", "A2", "B2", "C2"], lines[..6].Select(line => line[^2..]));
        Assert.Equal(
            [
                "starts:  A1 B1 C1 A2 B2 C2",
                "results: A2 B2 C2",
                "The three waits took the time of one.",
            ],
            lines[6..]);
    }

    [Fact]
    public async Task Pool_gives_results_and_failures_in_order()
    {
        string[] lines = await SampleProcess.RunSampleAsync("pool");
        string[] expected = [.. Enumerable.Range(0, 10).Select(i =>
            $"task {i}: {(i % 4 == 3 ? "Something happened" : i * i)}")];
        Assert.Equal([.. expected, "8 succeeded, 2 failed, never more than 5 at once"], lines);
    }

    [Fact]
    public async Task Tasks_lists_waits_cancels_streams_and_gathers()
    {
        string[] lines = await SampleProcess.RunSampleAsync("tasks");
        Assert.Equal(["first: tea is ready", "pending:"], lines[..2]);
        Assert.Equal(
            [
                "  toast: Running None", "  eggs: Running None", "  roast: Running None",
                "  bread: Queued PoolFull", "  stew: Queued PoolFull", "  cake: Queued PoolFull",
            ],
            lines[2..8]);
        Assert.Equal(
            ["done:    tea, toast, eggs", "pending: roast, bread, stew, cake", "as they completed:"], lines[8..11]);
        Assert.Equal(
            [
                "  tea: Succeeded None", "  toast: Succeeded None", "  eggs: Succeeded None",
                "  cake: Canceled BeforeStart",
            ],
            lines[11..15]);
        Assert.Equal(
            ["  bread: Canceled Stopped", "  roast: Canceled Stopped", "  stew: Canceled Stopped"],
            lines[15..18].Order());
        Assert.Equal(
            [
                "in the order of submission:",
                "  tea: tea is ready", "  toast: toast is ready", "  eggs: eggs is ready",
                "  roast: Canceled", "  bread: Canceled", "  stew: Canceled", "  cake: Canceled",
            ],
            lines[18..]);
    }
}
