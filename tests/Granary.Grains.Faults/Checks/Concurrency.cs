namespace Granary.Grains.Faults.Checks;

/// <summary>
/// How many tasks of a batch ran at once. An execution counts from its begin until its end, or until a later attempt of
/// the same task begins elsewhere: its job had then given it up, because its silo was dead, frozen or out of reach for
/// a lease, or because the holder that started it was gone before that was durable. Nothing can stop such an execution
/// in time, or keep it from beginning late on a silo that thaws, and its end is not recorded. Those are counted apart.
/// </summary>
internal static class Concurrency
{
    /// <returns>The most that ran at once, and how many executions went on after they were given up.</returns>
    public static (int Most, int GivenUp) Measure(IEnumerable<Execution> executions)
    {
        int givenUp = 0;
        var changes = new List<(long At, int Change)>();
        foreach (IGrouping<long, Execution> task in executions.GroupBy(execution => execution.Number))
        {
            // From the last attempt to the first: what comes later gives up what came before.
            long givenUpAt = long.MaxValue;
            foreach (Execution one in task.OrderByDescending(e => e.Attempt).ThenByDescending(e => e.Begin))
            {
                if (givenUpAt < one.End) givenUp++;
                if (one.Begin < givenUpAt)
                {
                    changes.Add((one.Begin, 1));
                    changes.Add((Math.Min(one.End, givenUpAt), -1));
                }
                givenUpAt = Math.Min(givenUpAt, one.Begin);
            }
        }
        int running = 0, most = 0;
        foreach ((_, int change) in changes.OrderBy(c => c.At).ThenBy(c => c.Change))
            most = Math.Max(most, running += change);
        return (most, givenUp);
    }
}
