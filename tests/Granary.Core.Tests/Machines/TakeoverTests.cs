using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Xunit;
using static Granary.Core.Tests.Machines.MachineRig;

namespace Granary.Core.Tests.Machines;

/// <summary>What the simulation has found, each in a few lines.</summary>
public sealed class TakeoverTests
{
    [Fact]
    public void A_takeover_cancels_nothing_for_a_failure_that_was_retried()
    {
        var rig = new MachineRig(Batch(pool: 1), Task(), Item.Chain(Task(), Task()));
        rig.Tell((m, now) => m.Cancel(CancelScope.Pending, now));
        rig.Succeed("0");
        rig.Tell((m, now) => m.RetryFailed(now, out _));
        Assert.Equal("1.0", rig.Starts[^1]);

        BatchMachine taken = TakeOver(rig);

        JobCounts counts = taken.State.Tree.Counts;
        Assert.Equal((0, 1, 1), (counts.Canceled, counts.Running, counts.Queued));
    }

    [Fact]
    public void What_ran_when_its_batch_was_canceled_and_died_with_its_process_is_not_left_waiting_for_a_handler()
    {
        var rig = new MachineRig(Batch(pool: 1), Task(), Task());
        rig.Tell((m, now) => m.Cancel(CancelScope.Pending, now));
        rig.End("0", AttemptEnd.NoHandler);
        Assert.Equal((1, 1), (rig.State.Tree.Counts.Failed, rig.State.Tree.Counts.Canceled));
        Assert.True(rig.State.IsEnded);
    }

    [Fact]
    public void What_its_deadline_had_stopped_before_a_cancel_fails_by_its_deadline_after_a_takeover_too()
    {
        var rig = new MachineRig(Batch(pool: 1), Task(new TaskOptions { Deadline = TimeSpan.FromSeconds(1) }));
        rig.Pass(TimeSpan.FromSeconds(1));
        rig.Tell((m, now) => m.Cancel(CancelScope.All, now));

        BatchMachine taken = TakeOver(rig);

        Node node = taken.State.Nodes[1];
        Assert.Equal((JobState.Failed, Reason.DeadlineExceeded), (node.State, node.Reason));
    }

    [Fact]
    public void A_batch_that_a_deadline_around_it_cuts_off_has_failed_and_is_no_result_for_the_steps_before_it()
    {
        JobSpec chain = Chain() with { Deadline = TimeSpan.FromMinutes(1) };
        var rig = new MachineRig(chain, Task(), Task(), Item.Batch(2, Task()));
        rig.Pass(TimeSpan.FromMinutes(1));
        rig.Fail("0");
        Assert.Equal(JobState.Failed, rig.State.Nodes[3].State);
        rig.Tell((m, now) => m.RetryFailed(now, out _));
        Assert.Equal(ValueRef.None, rig.State.Tree.InputOf(1));
    }

    [Fact]
    public void An_open_batch_that_has_failed_takes_no_more_items_and_ends()
    {
        JobSpec open = Batch() with { OnFailure = FailurePolicy.CancelPending, SealTimeout = TimeSpan.FromHours(1) };
        var rig = new MachineRig(open, Task());
        rig.Fail("0", retryable: false);
        Assert.NotEqual(Refusal.None, rig.Machine.CheckAppend());
        Assert.Equal((JobState.Failed, Reason.SiblingFailed), (rig.State.Nodes[0].State, rig.State.Nodes[0].Reason));
    }

    // Another machine, from the records alone.
    private static BatchMachine TakeOver(MachineRig rig)
    {
        BatchState state = rig.Replay();
        var record = new RecordWriter(rig.Header.Id, "there");
        record.Begin(new RecordStart(0, state.OrdinalCount + 1, state.CompletionCount + 1));
        var machine = new BatchMachine(state, record);
        machine.Recover(rig.Now);
        return machine;
    }
}
