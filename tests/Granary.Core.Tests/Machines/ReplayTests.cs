using Granary.Batches;
using Granary.Engines;
using Xunit;

namespace Granary.Core.Tests.Machines;

/// <summary>
/// Random jobs, driven at random: at every moment the records alone rebuild the same state, and in the end all is
/// ended.
/// </summary>
public sealed class ReplayTests
{
    [Fact]
    public void Records_rebuild_the_state_and_every_job_ends()
    {
        for (int seed = 0; seed < 2_000; seed++)
        {
            try
            {
                Drive(new Random(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    private static void Drive(Random random)
    {
        bool open = random.Next(4) == 0;
        JobSpec spec = random.Next(4) == 0
            ? MachineRig.Chain()
            : MachineRig.Batch(random.Next(1, 4)) with
            {
                SealTimeout = open ? TimeSpan.FromMinutes(5) : null,
                OnFailure = random.Next(3) == 0 ? FailurePolicy.CancelPending : FailurePolicy.Continue,
            };
        bool chain = spec.Kind == JobKind.Chain;
        var rig = new MachineRig(spec, RandomItems.List(random, chain));
        for (int step = random.Next(60); step > 0; step--)
        {
            Step(rig, random);
            Check(rig);
        }
        Finish(rig, random);
    }

    private static void Step(MachineRig rig, Random random)
    {
        switch (random.Next(16))
        {
            case 0:
                rig.Pass(TimeSpan.FromSeconds(random.Next(100)));
                break;
            case 1:
                rig.Tell((m, now) => { m.Recover(now); return Refusal.None; });
                rig.Running.RemoveAll(e => !IsCurrent(rig, e));
                break;
            case 2 when random.Next(4) == 0:
                rig.Tell((m, now) => m.Cancel(random.Next(2) == 0 ? CancelScope.Pending : CancelScope.All, now));
                break;
            case 3 when rig.Machine.CheckAppend() == Refusal.None:
                rig.Append(RandomItems.List(random, inChain: false));
                break;
            case 4 when rig.State.Root.Kind == NodeKind.Batch && !rig.State.IsEnded:
                rig.Tell((m, now) => m.Resize(random.Next(1, 5), now));
                break;
            case 5 when !rig.State.IsEnded:
                rig.Tell((m, now) => m.Pause(random.Next(2) == 0, now));
                break;
            case 6 when rig.State.IsEnded && random.Next(3) == 0:
                rig.Tell((m, now) => m.RetryFailed(now, out _));
                break;
            default:
                EndOne(rig, random, failures: true);
                break;
        }
    }

    private static void Finish(MachineRig rig, Random random)
    {
        if (!rig.State.IsEnded) rig.Tell((m, now) => m.Pause(false, now));
        if (rig.State.Root.Kind == NodeKind.Batch) rig.Tell((m, now) => m.Seal(now));
        for (int i = 0; i < 10_000 && !rig.State.IsEnded; i++)
        {
            if (rig.Running.Count > 0) EndOne(rig, random, failures: false);
            else rig.Pass(TimeSpan.FromHours(2));
        }
        Check(rig);
        Assert.True(
            rig.State.IsEnded,
            $"the job has not ended\n{MachineRig.Describe(rig.State)}\n"
            + $"peek {rig.State.Root.Pool.Peek()} paused {rig.State.Root.Pool.Paused}");
        Assert.Equal(rig.State.Tree.Counts.Total, rig.State.Tree.Counts.Ended);
        Assert.Equal(0, rig.State.Root.Pool.InUse);
    }

    private static void EndOne(MachineRig rig, Random random, bool failures)
    {
        rig.Running.RemoveAll(e => !IsCurrent(rig, e));
        if (rig.Running.Count == 0) return;
        string path = rig.State.Tree.PathOf(rig.Running[random.Next(rig.Running.Count)].Node);
        int draw = failures ? random.Next(10) : 0;
        if (draw < 6) rig.Succeed(path);
        else if (draw < 8) rig.Fail(path, retryable: random.Next(2) == 0);
        else if (draw == 8) rig.End(path, AttemptEnd.Released);
        else rig.End(path, random.Next(2) == 0 ? AttemptEnd.NoHandler : AttemptEnd.Stopped);
    }

    private static bool IsCurrent(MachineRig rig, Effect e) =>
        rig.State.Running.TryGetValue(e.Node, out RunningAttempt running) && running.Number == e.Attempt;

    private static void Check(MachineRig rig)
    {
        Assert.Equal(MachineRig.Describe(rig.State), MachineRig.Describe(rig.Replay()));
        for (int node = 0; node < rig.State.Nodes.Count; node++)
        {
            Node n = rig.State.Nodes[node];
            if (n.Kind != NodeKind.Batch) continue;
            Pool pool = node == 0 ? rig.State.Root.Pool : rig.State.Tree.ContainerOf(node).Pool;
            int end = node == 0 ? rig.State.Root.EndNode : rig.State.Tree.ContainerOf(node).EndNode;
            int running = rig.State.Running.Keys.Count(r => r > node && r < end);
            Assert.Equal(running, pool.InUse);
        }
    }
}
