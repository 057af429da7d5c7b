namespace Granary.Grains;

/// <summary>
/// A job: its task list or steps, its pool, and its machine. Commands take their turns; reads, cancels and what
/// workers report interleave with them, and only read, or leave a message for the job's own turn. Every answer speaks
/// of durable state.
/// </summary>
[Alias("granary.IJobGrain")]
internal interface IJobGrain : IGrainWithIntegerKey
{
    /// <summary>The next part of a submission; the last one makes the job live.</summary>
    [Alias("Submit")]
    Task<SubmitAnswer> SubmitAsync(SubmitChunk chunk);

    /// <summary>The next part of a submission under this job's key: the same, or refused with what differs.</summary>
    [Alias("Compare")]
    Task CompareAsync(SubmitChunk chunk);

    /// <summary>The submission is given up.</summary>
    [Alias("Discard")]
    Task DiscardAsync();

    [Alias("Pause")]
    Task PauseAsync(bool paused);

    [Alias("RetryFailed")]
    Task<int> RetryFailedAsync();

    /// <summary>Its retention has passed: removes it.</summary>
    [Alias("Expire")]
    Task ExpireAsync();

    [AlwaysInterleave, Alias("Cancel")]
    Task CancelAsync(byte scope);

    [AlwaysInterleave, Alias("GetStatus")]
    Task<StatusWire> GetStatusAsync();

    /// <summary>A cursor read. Waits up to the patience, which is well under the response timeout.</summary>
    [AlwaysInterleave, Alias("ReadCompletions")]
    Task<CompletionsWire> ReadCompletionsAsync(int after, int max, TimeSpan patience);

    [AlwaysInterleave, Alias("ReadOutcomes")]
    Task<OutcomeWire?[]> ReadOutcomesAsync(int from, int max);

    [AlwaysInterleave, Alias("ListPending")]
    Task<PendingWire[]> ListPendingAsync(int after, int max);

    [AlwaysInterleave, Alias("ReadTimeline")]
    Task<SpanWire[]> ReadTimelineAsync(int skip, int max);

    /// <summary>Workers report how attempts ended; answered when that is durable, or of no use any more.</summary>
    [AlwaysInterleave, Alias("Report")]
    Task ReportAsync(AttemptReport[] reports);

    /// <summary>Workers tell what they run for the job, which renews the leases.</summary>
    /// <returns>What is to be stopped there.</returns>
    [AlwaysInterleave, Alias("Heartbeat")]
    Task<StopOrder[]> HeartbeatAsync(Heartbeat heartbeat);

    /// <summary>Makes sure that the job is held by somebody.</summary>
    [AlwaysInterleave, Alias("Wake")]
    Task WakeAsync();
}

/// <summary>A batch: an ordered task list and a pool.</summary>
[Alias("granary.IBatchGrain")]
internal interface IBatchGrain : IJobGrain
{
    [Alias("Append")]
    Task<(int FirstIndex, int Count)> AppendAsync(ItemWire[] items, string? key);

    [Alias("Seal")]
    Task SealAsync();

    [Alias("Resize")]
    Task ResizeAsync(int maxConcurrency);
}

/// <summary>A chain: steps in strict order.</summary>
[Alias("granary.IChainGrain")]
internal interface IChainGrain : IJobGrain;
