namespace Granary;

/// <summary>How many tasks and waits of a job, at every depth, are in each state.</summary>
/// <param name="Queued">Ready, or not reached yet (Scheduled counts here).</param>
/// <param name="Running">Holding a slot.</param>
/// <param name="Waiting">Waiting for a time.</param>
/// <param name="Canceling">Asked to stop, still holding a slot.</param>
/// <param name="Succeeded">Ended with a value.</param>
/// <param name="Failed">Ended with an error.</param>
/// <param name="Canceled">Ended on request.</param>
public readonly record struct JobCounts(
    int Queued, int Running, int Waiting, int Canceling, int Succeeded, int Failed, int Canceled)
{
    /// <summary>All of them.</summary>
    public int Total => Queued + Running + Waiting + Canceling + Ended;

    /// <summary>Those with an outcome.</summary>
    public int Ended => Succeeded + Failed + Canceled;
}
