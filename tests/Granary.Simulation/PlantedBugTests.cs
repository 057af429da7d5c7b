using Granary.Simulation.Checks;
using Granary.Simulation.Runs;
using Xunit;
using Xunit.Abstractions;

namespace Granary.Simulation;

/// <summary>The checks can fail: each planted bug is found.</summary>
[Collection("simulation")]
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    /// <summary>Histories in which a planted bug must show.</summary>
    private const int MaxHistories = 5_000;

    public static TheoryData<string> Bugs =>
        [.. Enum.GetNames<PlantedBug>().Where(name => name != nameof(PlantedBug.None))];

    [Theory]
    [MemberData(nameof(Bugs))]
    public void Every_planted_bug_is_found(string name)
    {
        var planted = Enum.Parse<PlantedBug>(name);
        for (ulong seed = 1; seed <= MaxHistories; seed++)
        {
            Result result = Histories.Run(seed, planted);
            if (result.Violation is not { } violation) continue;
            string found = $"{name} is found after {seed} histories, as {violation.Rule}: {violation.What}";
            output.WriteLine(found);
            Console.WriteLine(found);
            return;
        }
        Assert.Fail($"{name} is not found in {MaxHistories} histories");
    }
}
