using Granary.Simulation.Checks;
using Granary.Simulation.Plans;

namespace Granary.Simulation.Runs;

/// <summary>Makes a failing plan short: the shortest prefix of its steps that still breaks a rule, and then without
/// each step that it
/// does not need.</summary>
internal static class Shrinker
{
    public static Result Shrink(Result failure, PlantedBug planted = PlantedBug.None)
    {
        Result best = failure;
        for (int length = 1; length < best.Plan.Steps.Count; length++)
        {
            if (Try(best, [.. best.Plan.Steps.Take(length)], planted) is not { } shorter) continue;
            best = shorter;
            break;
        }
        for (int i = best.Plan.Steps.Count - 1; i >= 0; i--)
            if (Try(best, [.. best.Plan.Steps.Where((_, at) => at != i)], planted) is { } shorter) best = shorter;
        return Histories.Run(best.Plan, planted, tracing: true);
    }

    // Chance falls differently when a step is missing: any broken rule will do.
    private static Result? Try(Result failure, PlanStep[] steps, PlantedBug planted)
    {
        Result result = Histories.Run(failure.Plan with { Steps = steps }, planted);
        return result.Violation is null ? null : result;
    }

    /// <summary>A failure as a person reads it.</summary>
    public static string Describe(Result result)
    {
        string steps = string.Join('\n', result.Plan.Steps.Select(step => $"    {step}"));
        return $"""
            seed {result.Plan.Seed} breaks {result.Violation!.Rule}: {result.Violation.What}
              the plan that still shows it:
            {steps}
            {result.Trace}
            """;
    }
}
