using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary;

/// <summary>What a handler knows of the attempt it is running. Lives as long as the attempt.</summary>
public sealed class TaskContext
{
    /// <summary>The job it belongs to.</summary>
    public required JobId Job { get; init; }

    /// <summary>
    /// The node: the task's place in the whole job, counted from 0 through everything nested. Steady over all
    /// attempts.
    /// </summary>
    public required int Node { get; init; }

    /// <summary>The task's position in its batch or chain, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Which attempt this is, from 1. Attempts that died with their process count too.</summary>
    public required int Attempt { get; init; }

    /// <summary>The handler's name.</summary>
    public required string Handler { get; init; }

    /// <summary>
    /// The task's own arguments as UTF-8 JSON; for a chain step that has none, the previous step's result.
    /// </summary>
    public required ReadOnlyMemory<byte> Args { get; init; }

    /// <summary>The previous step's result as UTF-8 JSON; empty outside chains and in a chain's first step.</summary>
    public ReadOnlyMemory<byte> InputJson { get; init; }

    /// <summary>How long after <see cref="CancellationToken"/> fires the attempt is given up.</summary>
    public TimeSpan CancelGrace { get; init; } = JobDefaults.CancelGrace;

    /// <summary>
    /// Fires when the attempt should stop: canceled, timed out, or its engine is stopping. Can be set for tests of
    /// handlers.
    /// </summary>
    public CancellationToken CancellationToken
    {
        get => Owner?.Token ?? field;
        init;
    }

    /// <summary>For the handler's own messages; scoped to the job and task by the engine.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// The services of this attempt's scope; null where the engine was set up without a service provider.
    /// </summary>
    public IServiceProvider? Services { get; private set; }

    /// <summary>The attempt that an engine runs; null in tests of handlers.</summary>
    internal ITaskOwner? Owner { get; init; }

    /// <summary>
    /// The same text on every attempt of this task, and on no other task's: give it to services that deduplicate.
    /// </summary>
    public string IdempotencyKey => $"{Job}-{Node}";

    /// <summary>Whether there is a previous step's result.</summary>
    public bool HasInput => !InputJson.IsEmpty;

    /// <summary>The previous step's result.</summary>
    /// <exception cref="InvalidOperationException">There is none: the task is not in a chain, or is its first
    /// step.</exception>
    /// <exception cref="JsonException">It is no <typeparamref name="T"/>.</exception>
    public T? Input<T>() => HasInput
        ? JsonSerializer.Deserialize<T>(InputJson.Span, GranaryJson.Options)
        : throw new InvalidOperationException(
            "This task has no input: only a chain's later steps are given the previous result.");

    /// <summary>Tells how far the task is; the latest report is shown while it runs and is not durable.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <param name="note">A few words for people.</param>
    public void ReportProgress(double fraction, string note = "") =>
        Owner?.Report(new TaskProgress(Math.Clamp(double.IsNaN(fraction) ? 0 : fraction, 0, 1), note));

    internal TaskContext With(IServiceProvider services)
    {
        Services = services;
        return this;
    }
}

/// <summary>How far a running task said it is.</summary>
/// <param name="Fraction">From 0 to 1.</param>
/// <param name="Note">A few words for people.</param>
public sealed record TaskProgress(double Fraction, string Note);

/// <summary>What a running task's context asks of its engine.</summary>
internal interface ITaskOwner
{
    /// <summary>Fires when the attempt should stop.</summary>
    CancellationToken Token { get; }

    /// <summary>Takes a progress report.</summary>
    void Report(TaskProgress progress);
}
