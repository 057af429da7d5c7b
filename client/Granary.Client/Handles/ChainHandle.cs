using System.Text.Json;
using Granary.Engines;

namespace Granary;

/// <summary>A chain: its result, its steps, and steering.</summary>
/// <typeparam name="T">What its last step yields.</typeparam>
public sealed class ChainHandle<T> : JobHandle
{
    private static readonly ReadOnlyMemory<byte> s_null = "null"u8.ToArray();

    internal ChainHandle(IJobEngine engine, JobId id, bool existed) : base(engine, id, existed) { }

    /// <summary>Waits for the end and gives the last step's result.</summary>
    /// <exception cref="ChainFailedException">The chain failed or was canceled; says at which step and why.</exception>
    public async Task<T> ResultAsync(CancellationToken cancellation = default)
    {
        TaskOutcome<JsonElement>[] steps = await Log.GatherAsync<JsonElement>(cancellation);
        TaskOutcome<T> outcome = await OutcomeOf(steps, cancellation);
        if (outcome.Succeeded) return outcome.Value;
        throw new ChainFailedException(Id, FirstFailed(steps), outcome.State, outcome.Reason);
    }

    /// <summary>Waits for the end and gives the outcome of the chain as a whole, a failure as a value: the last
    /// step's result, or the error of the step that ended it.</summary>
    public async Task<TaskOutcome<T>> OutcomeAsync(CancellationToken cancellation = default) =>
        await OutcomeOf(await Log.GatherAsync<JsonElement>(cancellation), cancellation);

    /// <summary>Waits for the end and gives the outcome of every step, in order; those after a failed one are Canceled
    /// (<see cref="Reason.UpstreamFailed"/>).</summary>
    public async Task<IReadOnlyList<TaskOutcome<JsonElement>>> StepsAsync(CancellationToken cancellation = default) =>
        await Log.GatherAsync<JsonElement>(cancellation);

    /// <summary>The outcome of each step as it completes; to go on after a cut, give the
    /// <see cref="TaskOutcome{T}.Sequence"/> of the last one that was seen.</summary>
    public IAsyncEnumerable<TaskOutcome<JsonElement>> WhenEachStepAsync(
        int afterSequence = 0, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        return Log.EachAsync<JsonElement>(afterSequence, cancellation);
    }

    private async Task<TaskOutcome<T>> OutcomeOf(TaskOutcome<JsonElement>[] steps, CancellationToken cancellation)
    {
        JobStatus status = await StatusAsync(cancellation);
        DateTimeOffset start = steps.Length > 0 ? steps[0].StartedAt : status.SubmittedAt;
        return new TaskOutcome<T>(new Outcome
        {
            Index = 0,
            Sequence = 0,
            State = status.State,
            Reason = status.Reason,
            Value = status.State != JobState.Succeeded ? default : steps.Length > 0 ? steps[^1].Json : s_null,
            Error = FirstFailed(steps)?.Error,
            Attempts = 1,
            StartedAt = start,
            Duration = (status.FinishedAt ?? start) - start,
            Place = steps.Length > 0 ? steps[^1].Place : "",
        });
    }

    private static FailedItem? FirstFailed(TaskOutcome<JsonElement>[] steps) =>
        Array.Find(steps, step => !step.Succeeded) is { } failed
            ? FailedItem.Of(failed)
            : null;
}
