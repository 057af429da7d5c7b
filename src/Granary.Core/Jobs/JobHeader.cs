using Granary.Telemetry;

namespace Granary;

/// <summary>What is fixed about a job when it is submitted.</summary>
/// <param name="Id">The job.</param>
/// <param name="Spec">The submission, without its items.</param>
/// <param name="SubmittedAt">When the engine accepted it.</param>
internal sealed record JobHeader(JobId Id, JobSpec Spec, Instant SubmittedAt)
{
    /// <summary>The submission's place in a trace. No part of its content: a key's second submission has
    /// another.</summary>
    public TraceContext Trace { get; init; }
}
