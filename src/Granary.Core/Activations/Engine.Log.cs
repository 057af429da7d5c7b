using Microsoft.Extensions.Logging;

namespace Granary.Activations;

/// <summary>What the engine logs.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Critical, "The store failed; nothing more is acknowledged. Mend it and start again.")]
    public static partial void StoreFailed(ILogger log, Exception fault);

    [LoggerMessage(2, LogLevel.Error, "Job {Job} cannot be resumed.")]
    public static partial void JobNotResumed(ILogger log, JobId job, Exception fault);

    [LoggerMessage(3, LogLevel.Warning, "Expired jobs could not be removed; trying again in a minute.")]
    public static partial void SweepFailed(ILogger log, Exception fault);

    [LoggerMessage(4, LogLevel.Warning, "Job {Job} is not handed over; another silo takes it when its hold ends.")]
    public static partial void JobNotHandedOver(ILogger log, JobId job, Exception fault);

    [LoggerMessage(5, LogLevel.Warning, "{Chore} failed; trying again.")]
    public static partial void ChoreFailed(ILogger log, string chore, Exception fault);
}
