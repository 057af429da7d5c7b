using System.Diagnostics.Metrics;
using Granary.Batches;

namespace Granary.Telemetry;

/// <summary>The metrics of all engines in this process.</summary>
internal static class Instruments
{
    private static readonly Meter s_meter = new(GranaryTelemetry.MeterName, GranaryTelemetry.Version);

    private static readonly InstrumentAdvice<double> s_longTimes = new()
    {
        HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200],
    };

    private static readonly InstrumentAdvice<double> s_shortTimes = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    };

    private static readonly InstrumentAdvice<int> s_sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    };

    private static readonly Counter<long> s_completed = s_meter.CreateCounter<long>(
        "granary.tasks.completed", "{task}", "Tasks and waits whose outcome has become durable.");

    private static readonly Counter<long> s_retried = s_meter.CreateCounter<long>(
        "granary.attempts.retried", "{attempt}", "Attempts that failed and are followed by another.");

    private static readonly Counter<long> s_lost = s_meter.CreateCounter<long>(
        "granary.attempts.lost", "{attempt}", "Attempts that ended with the process they ran in.");

    private static readonly Counter<long> s_recoveries = s_meter.CreateCounter<long>(
        "granary.recoveries", "{job}", "Unfinished jobs that were taken over from an earlier holder.");

    private static readonly Counter<long> s_fenced = s_meter.CreateCounter<long>(
        "granary.writes.fenced", "{write}", "Writes that were refused because somebody else holds the job.");

    private static readonly Histogram<double> s_attempts = s_meter.CreateHistogram(
        "granary.attempt.duration", "s", "From the start of an attempt to its end.", advice: s_longTimes);

    private static readonly Histogram<double> s_waits = s_meter.CreateHistogram(
        "granary.queue.wait", "s", "From a task's being ready to its start.", advice: s_longTimes);

    private static readonly Histogram<int> s_commitSizes = s_meter.CreateHistogram(
        "granary.commit.size", "{write}", "Writes of jobs that became durable together.", advice: s_sizes);

    private static readonly Histogram<double> s_commits = s_meter.CreateHistogram(
        "granary.commit.duration", "s", "From a commit's begin until it is durable.", advice: s_shortTimes);

    static Instruments()
    {
        Observe("granary.tasks.queued", "Tasks that are ready or not reached yet, in the jobs that this process holds.",
            static counts => counts.Queued);
        Observe("granary.tasks.running", "Tasks that hold slots, in the jobs that this process holds.",
            static counts => counts.Running + counts.Canceling);
        Observe("granary.tasks.waiting", "Tasks and waits that wait for a time, in the jobs that this process holds.",
            static counts => counts.Waiting);
    }

    public static void Completed(TaskEnds before, TaskEnds now)
    {
        if (!s_completed.Enabled) return;
        Completed(now.Succeeded - before.Succeeded, nameof(JobState.Succeeded));
        Completed(now.Failed - before.Failed, nameof(JobState.Failed));
        Completed(now.Canceled - before.Canceled, nameof(JobState.Canceled));
    }

    public static void Started(Instant readyAt, Instant now, string handler)
    {
        if (s_waits.Enabled && readyAt != Instant.Never)
            s_waits.Record(
                (now - readyAt).TotalSeconds, new KeyValuePair<string, object?>(Attributes.Handler, handler));
    }

    public static void Ended(in AttemptResult result, string handler)
    {
        if (s_attempts.Enabled)
            s_attempts.Record(
                result.Duration.TotalSeconds,
                new KeyValuePair<string, object?>(Attributes.Handler, handler),
                new KeyValuePair<string, object?>(Attributes.End, result.End.ToString()));
    }

    public static void Retried(string handler)
    {
        if (s_retried.Enabled) s_retried.Add(1, new KeyValuePair<string, object?>(Attributes.Handler, handler));
    }

    public static void Lost(int attempts)
    {
        if (attempts > 0) s_lost.Add(attempts);
    }

    public static void Recovered() => s_recoveries.Add(1);

    public static void Fenced() => s_fenced.Add(1);

    public static void Committed(int writes, TimeSpan duration)
    {
        if (s_commitSizes.Enabled) s_commitSizes.Record(writes);
        if (s_commits.Enabled) s_commits.Record(duration.TotalSeconds);
    }

    private static void Completed(int count, string state)
    {
        if (count > 0) s_completed.Add(count, new KeyValuePair<string, object?>(Attributes.State, state));
    }

    private static void Observe(string name, string description, Func<JobCounts, int> count) =>
        s_meter.CreateObservableUpDownCounter(name, () => LiveJobs.Sum(count), "{task}", description);
}
