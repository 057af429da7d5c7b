using Granary.Simulation.Checks;
using Granary.Simulation.Plans;
using Granary.Simulation.Worlds;

namespace Granary.Simulation.Runs;

/// <summary>What came of one history.</summary>
internal sealed record Result(Plan Plan, Violation? Violation, ulong Hash, int Steps, int Executions, int Crashes,
    string Trace);

/// <summary>Runs single histories.</summary>
internal static class Histories
{
    public static Result Run(ulong seed, PlantedBug planted = PlantedBug.None, bool tracing = false) =>
        Run(PlanMaker.Make(seed), planted, tracing);

    public static Result Run(Plan plan, PlantedBug planted = PlantedBug.None, bool tracing = false)
    {
        var world = new World(plan, planted, tracing);
        world.Run();
        History history = world.History;
        return new Result(
            plan, history.Violation, history.Hash, world.Steps, history.Executions.Count, history.Crashes,
            tracing ? history.Describe() : "");
    }
}
