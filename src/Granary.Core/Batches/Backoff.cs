namespace Granary.Batches;

/// <summary>The pause before a retry: exponential, full jitter, capped.</summary>
internal static class Backoff
{
    /// <summary>
    /// Drawn evenly from zero to min(cap, base × 2^(retry − 1)). The draw is a hash of the job, the task and the retry,
    /// so that a rule needs no randomness and a replay agrees.
    /// Formula: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    /// </summary>
    public static TimeSpan Pause(TaskProfile profile, JobId job, int node, int retry)
    {
        double bound = Math.Min(
            profile.MaxBackoff.TotalSeconds, profile.Backoff.TotalSeconds * Math.Pow(2, Math.Min(retry - 1, 62)));
        double draw = Mix((ulong)job.Value ^ ((ulong)(uint)node << 32) ^ (uint)retry) / (double)ulong.MaxValue;
        return TimeSpan.FromMilliseconds(Math.Floor(bound * draw * 1000));
    }

    // The finalizer of SplitMix64: https://prng.di.unimi.it/splitmix64.c
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
