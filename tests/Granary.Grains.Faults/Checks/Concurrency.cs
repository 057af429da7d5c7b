namespace Granary.Grains.Faults.Checks;

/// <summary>
/// How many tasks of a batch ran at once. An execution counts from its begin until its end, or until the same task
/// begins elsewhere: its job had then given it up, because its silo was dead, frozen or out of reach for a lease, or
/// because the holder that started it was gone before that was durable. Nothing can stop such an execution in time, and
/// its end is not recorded. Those are counted apart.
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
            Execution[] inOrder = [.. task.OrderBy(execution => execution.Begin)];
            for (int i = 0; i < inOrder.Length; i++)
            {
                long end = inOrder[i].End;
                if (i + 1 < inOrder.Length && inOrder[i + 1].Begin < end)
                {
                    givenUp++;
                    end = inOrder[i + 1].Begin;
                }
                changes.Add((inOrder[i].Begin, 1));
                changes.Add((end, -1));
            }
        }
        int running = 0, most = 0;
        foreach ((_, int change) in changes.OrderBy(c => c.At).ThenBy(c => c.Change))
            most = Math.Max(most, running += change);
        return (most, givenUp);
    }
}
