using System.Buffers;
using System.Text.Json;

namespace Granary;

/// <summary>
/// A handler as engines call it: JSON in, JSON out. Users write delegates or <see
/// cref="ITaskHandler{TArgs,TResult}"/> instead.
/// </summary>
public abstract class TaskHandler
{
    /// <summary>
    /// Runs one attempt and writes its result as UTF-8 JSON; whatever it throws is the attempt's failure.
    /// </summary>
    public abstract ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result);
}

/// <summary>
/// User code with constructor injection: one instance per attempt, from the attempt's own service scope.
/// </summary>
/// <typeparam name="TArgs">What it is given, read from JSON.</typeparam>
/// <typeparam name="TResult">What it returns, written as JSON.</typeparam>
public interface ITaskHandler<TArgs, TResult>
{
    /// <summary>Runs one attempt. Should stop soon after <see cref="TaskContext.CancellationToken"/> fires.</summary>
    Task<TResult> HandleAsync(TArgs args, TaskContext task);
}

/// <summary>A handler that is a function.</summary>
public sealed class DelegateHandler<TArgs, TResult>(Func<TArgs, TaskContext, Task<TResult>> function) : TaskHandler
{
    /// <inheritdoc/>
    public override ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        Task<TResult> running = function(HandlerJson.Read<TArgs>(task), task);
        if (!running.IsCompletedSuccessfully) return Finish(running, result);
        HandlerJson.Write(running.Result, result);
        return ValueTask.CompletedTask;
    }

    private static async ValueTask Finish(Task<TResult> running, IBufferWriter<byte> result) =>
        HandlerJson.Write(await running, result);
}

/// <summary>Thrown inside a handler call when the arguments or the result do not fit their types.</summary>
public sealed class HandlerJsonException : Exception
{
    /// <summary>Makes one.</summary>
    public HandlerJsonException(Reason reason, string message, Exception inner) : base(message, inner) =>
        Reason = reason;

    /// <summary>What the outcome says of it.</summary>
    public Reason Reason { get; }
}

/// <summary>Arguments and results of typed handlers.</summary>
internal static class HandlerJson
{
    [ThreadStatic] private static Utf8JsonWriter? t_writer;

    public static T Read<T>(TaskContext task)
    {
        try
        {
            return task.Args.IsEmpty ? default! : JsonSerializer.Deserialize<T>(task.Args.Span, GranaryJson.Options)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            string message = $"The arguments of '{task.Handler}' are no {typeof(T)}: {e.Message}";
            throw new TaskFailedException(message, e) { Type = "BadArguments", Retryable = false };
        }
    }

    public static void Write<T>(T value, IBufferWriter<byte> result)
    {
        // Taken, not shared: a converter in user code may itself end up here.
        Utf8JsonWriter writer = t_writer ?? new Utf8JsonWriter(Stream.Null);
        t_writer = null;
        writer.Reset(result);
        try
        {
            JsonSerializer.Serialize(writer, value, GranaryJson.Options);
            writer.Flush();
        }
        catch (Exception e) when (e is not ResultTooLargeException)
        {
            throw new HandlerJsonException(
                Reason.ResultNotSerializable,
                $"The result, a {value?.GetType() ?? typeof(T)}, cannot be written as JSON: {e.Message}", e);
        }
        t_writer = writer;
    }
}

/// <summary>Thrown by the buffer that results are written to, at the limit.</summary>
public sealed class ResultTooLargeException(int limit)
    : Exception(
        $"The result is larger than {limit:N0} bytes. "
        + "Store it elsewhere and return its address, or raise MaxResultBytes.");
