namespace Granary.Telemetry;

/// <summary>
/// One engine's unfinished jobs in memory, for whoever measures them. A chain through the jobs themselves, so that
/// keeping it costs nothing to speak of.
/// </summary>
internal sealed class LiveJobs
{
    // Weak: an engine that is dropped without being stopped, as a simulated crash does, is not kept.
    private static readonly List<WeakReference<LiveJobs>> s_engines = [];
    private static int s_limit = 16;

    private readonly Lock _gate = new();
    private JobTelemetry? _first;

    public LiveJobs()
    {
        lock (s_engines)
        {
            if (s_engines.Count >= s_limit)
            {
                s_engines.RemoveAll(engine => !engine.TryGetTarget(out _));
                s_limit = Math.Max(16, 2 * s_engines.Count);
            }
            s_engines.Add(new WeakReference<LiveJobs>(this));
        }
    }

    public void Add(JobTelemetry job)
    {
        lock (_gate)
        {
            if (job.IsLive) return;
            job.IsLive = true;
            (job.Next, job.Previous) = (_first, null);
            if (_first is not null) _first.Previous = job;
            _first = job;
        }
    }

    public void Remove(JobTelemetry job)
    {
        lock (_gate)
        {
            if (!job.IsLive) return;
            job.IsLive = false;
            if (job.Next is { } next) next.Previous = job.Previous;
            if (job.Previous is { } previous) previous.Next = job.Next;
            else _first = job.Next;
            job.Next = job.Previous = null;
        }
    }

    /// <summary>Over all engines. Turns go on meanwhile: each count is right, and all are of nearly one time.</summary>
    public static long Sum(Func<JobCounts, int> count)
    {
        WeakReference<LiveJobs>[] engines;
        lock (s_engines) engines = [.. s_engines];
        long sum = 0;
        foreach (WeakReference<LiveJobs> engine in engines)
            if (engine.TryGetTarget(out LiveJobs? live)) sum += live.SumOwn(count);
        return sum;
    }

    private long SumOwn(Func<JobCounts, int> count)
    {
        long sum = 0;
        lock (_gate)
        {
            for (JobTelemetry? job = _first; job is not null; job = job.Next) sum += count(job.Counts);
        }
        return sum;
    }
}
