using Granary.Grains.Faults.Clusters;
using Granary.Grains.Faults.Silos;

namespace Granary.Grains.Faults.Checks;

/// <summary>One call of a handler: when it began and ended by the clock of all processes.</summary>
/// <param name="Number">Which task or step it was.</param>
/// <param name="Attempt">Which attempt.</param>
/// <param name="Begin">When the handler was called.</param>
/// <param name="End">When it came back, or died with its silo.</param>
/// <param name="Gave">Whether it gave its value.</param>
internal sealed record Execution(long Job, long Number, int Attempt, long Begin, long End, bool Gave)
{
    /// <summary>Reads what the silos ran.</summary>
    public static ILookup<long, Execution> ReadAll(IEnumerable<SiloProcess> silos) =>
        silos.SelectMany(Read).ToLookup(execution => execution.Job);

    private static List<Execution> Read(SiloProcess silo)
    {
        var all = new List<Execution>();
        var begun = new Dictionary<(long, long, int), Queue<long>>();
        foreach (DiaryLine line in silo.ReadDiary())
        {
            (long, long, int) name = (line.Job, line.Number, line.Attempt);
            if (line.Kind == DiaryKind.Begin)
            {
                if (!begun.TryGetValue(name, out Queue<long>? queue)) begun[name] = queue = new Queue<long>();
                queue.Enqueue(line.At);
            }
            else if (line.Kind is DiaryKind.End or DiaryKind.Stop)
            {
                all.Add(new(line.Job, line.Number, line.Attempt, begun[name].Dequeue(), line.At,
                    line.Kind == DiaryKind.End));
            }
        }
        foreach (((long job, long number, int attempt), Queue<long> left) in begun)
            all.AddRange(left.Select(at => new Execution(job, number, attempt, at, silo.EndedAt, false)));
        return all;
    }
}
