namespace Granary.Engines;

/// <summary>
/// Makes ids: random, so that those of several engines do not meet; rising, so that those of one never do.
/// </summary>
internal sealed class JobIds(TimeProvider time, Random random)
{
    private long _last;

    public JobId Next()
    {
        long id = JobId.From(time.GetUtcNow(), random.Next()).Value, last;
        do
        {
            last = Volatile.Read(ref _last);
            id = Math.Max(id, last + 1);
        }
        while (Interlocked.CompareExchange(ref _last, id, last) != last);
        return new JobId(id);
    }
}
