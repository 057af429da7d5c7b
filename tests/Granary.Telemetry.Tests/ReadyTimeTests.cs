using Granary.Batches;

namespace Granary.Telemetry.Tests;

/// <summary>Since when a task has been ready; kept for runs of tasks, not for each.</summary>
public sealed class ReadyTimeTests
{
    [Fact]
    public void Tasks_that_were_appended_are_ready_since_then()
    {
        Container batch = New(NodeKind.Batch);
        for (int node = 1; node <= 100; node++) batch.NoteReady(node, new Instant(node <= 40 ? 7 : node <= 60 ? 8 : 9));
        Assert.All(Enumerable.Range(1, 40), node => Assert.Equal(new Instant(7), batch.ReadyAt(node)));
        Assert.All(Enumerable.Range(41, 20), node => Assert.Equal(new Instant(8), batch.ReadyAt(node)));
        Assert.All(Enumerable.Range(61, 40), node => Assert.Equal(new Instant(9), batch.ReadyAt(node)));
    }

    [Fact]
    public void A_chains_step_is_ready_since_the_step_before_ended()
    {
        Container chain = New(NodeKind.Chain);
        for (int node = 1; node <= 3; node++)
        {
            chain.NoteReady(node, new Instant(10 * node));
            Assert.Equal(new Instant(10 * node), chain.ReadyAt(node));
        }
    }

    [Fact]
    public void Where_a_retry_begins_anew_the_times_before_it_are_gone()
    {
        Container batch = New(NodeKind.Batch);
        batch.NoteReady(1, new Instant(1));
        batch.NoteReady(5, new Instant(2));
        batch.NoteReady(2, new Instant(3));
        batch.NoteReady(4, new Instant(3));
        Assert.Equal(new Instant(3), batch.ReadyAt(2));
        Assert.Equal(new Instant(3), batch.ReadyAt(4));
    }

    private static Container New(NodeKind kind) => new()
    {
        Node = 0,
        Kind = kind,
        Parent = null,
        Pool = new Pool(new NodeTable(), null, 1),
    };
}
