using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Granary;

/// <summary>
/// What a handler knows of the attempt it is running. Lives as long as the attempt. Engines make their own; for tests
/// of handlers there is <see cref="TestTaskContext"/>.
/// </summary>
public abstract class TaskContext
{
    // Not for deriving elsewhere, so that what is added here breaks nobody.
    internal TaskContext(int node, int attempt) => (Node, Attempt) = (node, attempt);

    /// <summary>The job it belongs to.</summary>
    public abstract JobId Job { get; }

    /// <summary>
    /// The node: the task's place in the whole job, counted from 0 through everything nested. Steady over all
    /// attempts.
    /// </summary>
    public int Node { get; }

    /// <summary>The task's position in its batch or chain, from 0.</summary>
    public abstract int Index { get; }

    /// <summary>Which attempt this is, from 1. Attempts that died with their process count too.</summary>
    public int Attempt { get; }

    /// <summary>The handler's name.</summary>
    public abstract string Handler { get; }

    /// <summary>
    /// The task's own arguments as UTF-8 JSON; for a chain step that has none, the previous step's result.
    /// </summary>
    public abstract ReadOnlyMemory<byte> Args { get; }

    /// <summary>The previous step's result as UTF-8 JSON; empty outside chains and in a chain's first step.</summary>
    public abstract ReadOnlyMemory<byte> InputJson { get; }

    /// <summary>How long after <see cref="CancellationToken"/> fires the attempt is given up.</summary>
    public abstract TimeSpan CancelGrace { get; }

    /// <summary>Fires when the attempt should stop: canceled, timed out, or its engine is stopping.</summary>
    public abstract CancellationToken CancellationToken { get; }

    /// <summary>For the handler's own messages; scoped to the job and task by the engine.</summary>
    public abstract ILogger Logger { get; }

    /// <summary>
    /// The services of this attempt's scope; null where the engine was set up without a service provider.
    /// </summary>
    public abstract IServiceProvider? Services { get; }

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
        Report(new TaskProgress(Math.Clamp(double.IsNaN(fraction) ? 0 : fraction, 0, 1), note));

    /// <summary>Takes a progress report.</summary>
    internal abstract void Report(TaskProgress progress);
}

/// <summary>How far a running task said it is.</summary>
/// <param name="Fraction">From 0 to 1.</param>
/// <param name="Note">A few words for people.</param>
public sealed record TaskProgress(double Fraction, string Note);
