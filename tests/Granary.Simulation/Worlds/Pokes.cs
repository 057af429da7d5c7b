using Granary.Activations;
using System.Runtime.CompilerServices;
using Granary.Batches;
using Granary.Embedded;
using Granary.Simulation.Checks;

namespace Granary.Simulation.Worlds;

/// <summary>Planted bugs that reach into an activation after its turn.</summary>
internal sealed class Pokes
{
    private readonly PlantedBug _planted;
    private readonly HashSet<(Activation, int, int)> _leaked = [];

    private Pokes(PlantedBug planted) => _planted = planted;

    public static Pokes? For(PlantedBug planted) =>
        planted is PlantedBug.SlotLeaked or PlantedBug.StepStartedEarly ? new Pokes(planted) : null;

    public void AfterTurn(Activation activation)
    {
        if (_planted == PlantedBug.SlotLeaked) LeakSlots(activation);
        else StartNow(activation);
    }

    private void LeakSlots(Activation activation)
    {
        BatchState state = activation.Machine.State;
        foreach (int node in state.DueAt.Keys)
        {
            if (state.Nodes[node].Reason == Reason.RetryBackoff
                && _leaked.Add((activation, node, state.Nodes[node].Attempts)))
                state.Tree.ParentOf(node).Pool.Take();
        }
    }

    // Answers stay where they are: only effects are let go.
    private static void StartNow(Activation activation)
    {
        Queue<(int Records, Action Release)> waiting = Queue(Waiting(activation));
        for (int count = waiting.Count; count > 0; count--)
        {
            (int Records, Action Release) next = waiting.Dequeue();
            if (next.Release.Method.Name == "Answer") waiting.Enqueue(next);
            else next.Release();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_waiting")]
    private static extern ref DurableWaits Waiting(Activation activation);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_waiting")]
    private static extern ref Queue<(int Records, Action Release)> Queue(DurableWaits waits);
}
