using Granary.Telemetry;

namespace Granary.Grains;

/// <summary>
/// How the cluster engine runs; the same on every silo. Checked once, when the silo or client starts.
/// </summary>
public sealed record ClusterOptions
{
    /// <summary>The clock of the jobs: waits, timeouts, retention. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The largest arguments of one task, in bytes of JSON. Default 1 MiB.</summary>
    public int MaxArgumentBytes { get; init; } = JobDefaults.MaxArgumentBytes;

    /// <summary>The largest result of one task, in bytes of JSON. Default 1 MiB.</summary>
    public int MaxResultBytes { get; init; } = JobDefaults.MaxResultBytes;

    /// <summary>
    /// How long a task waits for a handler that is not registered before it fails; zero fails it at once. Default 1
    /// hour.
    /// </summary>
    public TimeSpan MissingHandlerTimeout { get; init; } = JobDefaults.MissingHandlerTimeout;

    /// <summary>
    /// How long an attempt is presumed to go on after the last sign of life of its worker; then it starts again
    /// elsewhere, and the worker stops it if it still can. Workers report five times as often. Default 15 seconds:
    /// above the 6 or so in which Orleans notices a killed silo, whose attempts start again at once.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a job with work to do is left alone after the last sign of life of the silo that holds it; then
    /// another silo takes it over. Default 15 seconds.
    /// </summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How often each silo looks for jobs that nobody holds and that something is due of, give or take a quarter.
    /// Default 1 second.
    /// </summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a silo that stops lets its running tasks finish before it signals them and hands them back. Default
    /// 20 seconds; the host's shutdown timeout must be longer.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>What spans hold and how they hang together. Default: no arguments and no results.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    internal void Check()
    {
        Telemetry.Check();
        CheckBytes(nameof(MaxArgumentBytes), MaxArgumentBytes);
        CheckBytes(nameof(MaxResultBytes), MaxResultBytes);
        CheckTime(nameof(MissingHandlerTimeout), MissingHandlerTimeout, TimeSpan.Zero);
        CheckTime(nameof(Lease), Lease, TimeSpan.FromMilliseconds(100));
        CheckTime(nameof(Hold), Hold, TimeSpan.FromMilliseconds(100));
        CheckTime(nameof(PollInterval), PollInterval, TimeSpan.FromMilliseconds(10));
        CheckTime(nameof(DrainTimeout), DrainTimeout, TimeSpan.Zero);
    }

    private static void CheckBytes(string name, int bytes)
    {
        if (bytes is < 1 or > 64 << 20)
            throw new ArgumentException($"{name} is {bytes}; set it to 1 to 67,108,864 bytes.", name);
    }

    private static void CheckTime(string name, TimeSpan time, TimeSpan least)
    {
        if (time < least || time > JobDefaults.MaxTime)
            throw new ArgumentException(
                $"{name} is {time}; set it to {least} up to {JobDefaults.MaxTime.TotalDays:N0} days.", name);
    }
}
