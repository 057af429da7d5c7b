namespace Granary.Activations;

/// <summary>How many completions a second there have been over the last ten seconds or so.</summary>
internal sealed class RateMeter
{
    private const int Seconds = 10;

    private readonly Queue<(Instant At, int Count)> _samples = new();
    private Instant _last;

    public void Add(Instant now, int count)
    {
        lock (_samples)
        {
            if (_samples.Count > 0 && now - _last < TimeSpan.FromMilliseconds(200)) return;
            _last = now;
            _samples.Enqueue((now, count));
            while (_samples.Count > 2 && now - _samples.Peek().At > TimeSpan.FromSeconds(Seconds)) _samples.Dequeue();
        }
    }

    /// <summary>Adds the rate, and the end that it promises, to where the job stands.</summary>
    public JobStatus Judge(JobStatus status, int count, Instant now)
    {
        if (status.State.IsEnd()) return status;
        double rate = PerSecond(now, count);
        int left = status.Counts.Total - status.Counts.Ended;
        return rate <= 0 ? status : status with { Rate = rate, ExpectedEnd = (now + Time(left / rate)).ToTime() };
    }

    private static TimeSpan Time(double seconds) =>
        TimeSpan.FromSeconds(Math.Min(seconds, JobDefaults.MaxTime.TotalSeconds));

    private double PerSecond(Instant now, int count)
    {
        lock (_samples)
        {
            if (!_samples.TryPeek(out (Instant At, int Count) first)) return 0;
            double seconds = (now - first.At).TotalSeconds;
            return seconds < 0.05 ? 0 : (count - first.Count) / seconds;
        }
    }
}
