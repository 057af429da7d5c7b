using Granary.Batches;
using Granary.Engines;
using Xunit;
using static Granary.Core.Tests.Machines.MachineRig;

namespace Granary.Core.Tests.Machines;

public sealed class BatchMachineTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Three_chains_of_work_wait_work_interleave_under_a_pool_of_one()
    {
        ChainItem chain = Item.Chain(Task(), Item.Wait(Minute), Task());
        var rig = new MachineRig(Batch(pool: 1), chain, chain, chain);
        rig.Succeed("0.0");
        rig.Succeed("1.0");
        rig.Succeed("2.0");
        Assert.Empty(rig.Running);
        rig.Pass(Minute);
        rig.Succeed("0.2");
        rig.Succeed("1.2");
        rig.Succeed("2.2");
        Assert.Equal(["0.0", "1.0", "2.0", "0.2", "1.2", "2.2"], rig.Starts);
        Assert.Equal(JobState.Succeeded, rig.State.Nodes[0].State);
    }

    [Fact]
    public void A_nested_task_needs_a_slot_of_every_batch_around_it()
    {
        BatchItem inner = Item.Batch(3, Task(), Task(), Task());
        var rig = new MachineRig(Batch(pool: 4), inner, inner, Task());
        Assert.Equal(["0.0", "0.1", "0.2", "1.0"], rig.Starts);
        rig.Succeed("1.0");
        Assert.Equal("1.1", rig.Starts[^1]);
    }

    [Fact]
    public void A_full_inner_pool_lets_what_is_after_it_start()
    {
        var rig = new MachineRig(Batch(pool: 3), Item.Batch(1, Task(), Task()), Task(), Task(), Task());
        Assert.Equal(["0.0", "1", "2"], rig.Starts);
        rig.Succeed("0.0");
        Assert.Equal("0.1", rig.Starts[^1]);
    }

    [Fact]
    public void A_retried_task_goes_before_those_submitted_after_it()
    {
        TaskItem retried = Task(new TaskOptions { Retries = 1, Backoff = TimeSpan.Zero });
        var rig = new MachineRig(Batch(pool: 1), retried, Task());
        rig.Fail("0");
        Assert.Equal(["0", "0"], rig.Starts);
    }

    [Fact]
    public void A_report_on_an_attempt_that_does_not_run_changes_nothing()
    {
        var rig = new MachineRig(Batch(pool: 1), Task(), Task());
        Effect stale = rig.Running[0];
        rig.Succeed("0");
        string before = Describe(rig.State);
        rig.Machine.AttemptEnded(
            stale.Node, stale.Attempt, new AttemptResult { End = AttemptEnd.Failed, Duration = default, Place = "" },
            rig.Now);
        Assert.Equal(before, Describe(rig.State));
    }

    [Fact]
    public void What_was_running_starts_again_in_order_after_a_takeover_and_is_charged_for_it()
    {
        var rig = new MachineRig(Batch(pool: 2), Task(), Task(), Task());
        rig.Tell((m, now) => { m.Recover(now); return Refusal.None; });
        Assert.Equal(["0", "1", "0", "1"], rig.Starts);
        Assert.All(rig.Running.Skip(2), start => Assert.Equal(2, start.Attempt));
        Assert.All(rig.Running.Skip(2), start => Assert.True(start.AfterDurable));
    }

    [Fact]
    public void A_task_that_keeps_killing_its_process_is_given_up_and_the_others_go_on()
    {
        var rig = new MachineRig(Batch(pool: 1), Task(new TaskOptions { MaxInterruptions = 2 }), Task());
        for (int i = 0; i < 3; i++) rig.Tell((m, now) => { m.Recover(now); return Refusal.None; });
        Assert.Equal((JobState.Failed, Reason.Interrupted), (rig.State.Nodes[1].State, rig.State.Nodes[1].Reason));
        Assert.Equal(["0", "0", "0", "1"], rig.Starts);
    }

    [Fact]
    public void A_later_step_starts_only_after_what_it_rests_on_is_durable()
    {
        var rig = new MachineRig(Chain(), Task(), Item.Batch(2, Task(), Task()));
        Assert.False(rig.Running[0].AfterDurable);
        rig.Succeed("0");
        Assert.Equal(["0", "1.0", "1.1"], rig.Starts);
        Assert.All(rig.Running, start => Assert.True(start.AfterDurable));
    }

    [Theory]
    [InlineData(CancelScope.Pending)]
    [InlineData(CancelScope.All)]
    public void A_cancel_ends_what_is_pending_and_leaves_each_with_one_outcome(CancelScope scope)
    {
        var rig = new MachineRig(Batch(pool: 1), Task(), Task(), Item.Chain(Task(), Item.Wait(Minute)));
        rig.Tell((m, now) => m.Cancel(scope, now));
        if (scope == CancelScope.All) rig.End("0", AttemptEnd.Stopped);
        else rig.Succeed("0");
        Assert.Equal(JobState.Canceled, rig.State.Nodes[0].State);
        Assert.Equal(3, rig.State.CompletionCount);
        Assert.Equal(["0"], rig.Starts);
    }

    [Fact]
    public void A_million_pending_tasks_are_canceled_by_one_event()
    {
        var rig = new MachineRig(Batch(pool: 1), [.. Enumerable.Repeat(Task(), 100_000)]);
        rig.Tell((m, now) => m.Cancel(CancelScope.Pending, now));
        rig.Succeed("0");
        Assert.Equal(100_000, rig.State.CompletionCount);
        Assert.Equal(99_999, rig.State.Tree.Count(JobState.Canceled));
    }

    [Fact]
    public void Retrying_runs_the_failed_step_and_those_after_it_with_what_came_before()
    {
        var rig = new MachineRig(Batch(), Item.Chain(Task(), Task(), Task()), Task());
        rig.Succeed("0.0");
        rig.Fail("0.1");
        rig.Succeed("1");
        Assert.Equal(JobState.Failed, rig.State.Nodes[1].State);
        rig.Tell((m, now) => m.RetryFailed(now, out _));
        rig.Succeed("0.1");
        rig.Succeed("0.2");
        Assert.Equal(JobState.Succeeded, rig.State.Nodes[1].State);
        Assert.Equal(["0.0", "1", "0.1", "0.1", "0.2"], rig.Starts);
        Assert.Equal(3, rig.State.CompletionCount);
    }

    [Fact]
    public void Failures_that_a_chain_has_gone_on_with_are_not_retried()
    {
        var rig = new MachineRig(Chain(), Item.Batch(2, Task(), Task()), Task());
        rig.Fail("0.0");
        rig.Succeed("0.1");
        rig.Succeed("1");
        string before = Describe(rig.State);
        Assert.Equal(Refusal.None, rig.Machine.RetryFailed(rig.Now, out int count));
        Assert.Equal(0, count);
        Assert.Equal(before, Describe(rig.State));
    }

    [Fact]
    public void Nothing_is_ready_in_an_ended_job_and_no_slot_is_taken()
    {
        var rig = new MachineRig(Batch(pool: 5), Item.Batch(2, Task(), Task()), Task());
        foreach (string path in new[] { "0.0", "0.1", "1" }) rig.Succeed(path);
        Assert.Equal(0, rig.State.Root.Pool.InUse);
        Assert.Equal(-1, rig.State.Root.Pool.Peek());
    }
}
