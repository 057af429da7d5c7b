using System.Globalization;
using Granary.Simulation.Checks;
using Granary.Simulation.Runs;

int histories = 200_000;
ulong first = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() << 20;
ulong? only = null;
PlantedBug planted = PlantedBug.None;
TimeSpan limit = TimeSpan.FromHours(24);
for (int i = 0; i < args.Length; i += 2)
{
    string? value = i + 1 < args.Length ? args[i + 1] : null;
    switch (args[i])
    {
        case "--histories" when int.TryParse(value, CultureInfo.InvariantCulture, out int count):
            histories = count;
            break;
        case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out ulong seed):
            only = seed;
            break;
        case "--first" when ulong.TryParse(value, CultureInfo.InvariantCulture, out ulong seed):
            first = seed;
            break;
        case "--planted" when Enum.TryParse(value, out PlantedBug bug):
            planted = bug;
            break;
        case "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out double minutes):
            (limit, histories) = (TimeSpan.FromMinutes(minutes), int.MaxValue / 2);
            break;
        default:
            Console.Error.WriteLine("""
                usage: [--histories N | --minutes M] [--first SEED] [--planted BUG]   run many histories
                       --seed SEED [--planted BUG]                                    run one, and print it
                """);
            return 2;
    }
}

if (only is { } replayed)
{
    Result result = Histories.Run(replayed, planted, tracing: true);
    Console.WriteLine(result.Trace);
    Console.WriteLine(result.Violation is null ? $"seed {replayed} keeps every rule"
        : Shrinker.Describe(Shrinker.Shrink(result, planted)));
    return result.Violation is null ? 0 : 1;
}

var campaign = new Campaign(first, histories, limit, planted);
campaign.Run();
foreach (Result failure in campaign.Failures) Console.WriteLine(Shrinker.Describe(Shrinker.Shrink(failure, planted)));
Console.WriteLine(campaign.Summary());
return campaign.FailureCount == 0 ? 0 : 1;
