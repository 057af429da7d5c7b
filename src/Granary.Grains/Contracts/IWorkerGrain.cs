namespace Granary.Grains;

/// <summary>
/// One place where one task runs at a time. No call spans the task: a start is answered at once, and the worker's silo
/// reports the outcome to the job by a message of its own. Stops are taken while the task runs.
/// </summary>
[Alias("granary.IWorkerGrain")]
internal interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>Starts an attempt. The same attempt again changes nothing.</summary>
    [Alias("Start")]
    ValueTask<StartAnswer> StartAsync(TaskStart start);

    /// <summary>Asks the attempt to stop, if it is the one that runs.</summary>
    [AlwaysInterleave, Alias("Stop")]
    ValueTask StopAsync(AttemptName attempt, byte cause);

    /// <summary>Keeps the activation while its task runs long.</summary>
    [AlwaysInterleave, Alias("KeepAlive")]
    ValueTask KeepAliveAsync();

    /// <summary>It is not needed any more.</summary>
    [AlwaysInterleave, Alias("Retire")]
    ValueTask RetireAsync();
}

/// <summary>Finds and lists jobs.</summary>
[Alias("granary.IJobIndexGrain")]
internal interface IJobIndexGrain : IGrainWithIntegerKey
{
    /// <returns>The job with this key; zero if there is none.</returns>
    [Alias("Find")]
    Task<JobName> FindAsync(string key);

    /// <returns>What kind of job it is; a name without an id if there is none.</returns>
    [Alias("Identify")]
    Task<JobName> IdentifyAsync(long job);

    [Alias("List")]
    Task<StatusWire[]> ListAsync(byte? state, long? before, int max);
}
