using System.Text.Json;

namespace Granary;

/// <summary>
/// Why a task failed, as it is recorded. Texts are cut at <see cref="JobDefaults.MaxErrorLength"/> characters.
/// </summary>
public sealed record TaskError
{
    /// <summary>
    /// The kind of error: an exception's full type name, or a word such as <c>TimedOut</c> or <c>ExitCode</c>.
    /// </summary>
    public required string Type { get; init; }

    /// <summary>What happened, in a sentence.</summary>
    public required string Message { get; init; }

    /// <summary>More for a person to read, such as a stack trace; empty when there is none.</summary>
    public string Detail { get; init; } = "";

    /// <summary>What the handler adds for programs to read, as UTF-8 JSON; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The error of an exception that a handler threw.</summary>
    public static TaskError From(Exception exception) => new()
    {
        Type = exception switch
        {
            TaskFailedException e => e.Type,
            HandlerJsonException e => e.Reason.ToString(),
            ResultTooLargeException => nameof(Reason.ResultTooLarge),
            _ => exception.GetType().FullName ?? exception.GetType().Name,
        },
        Message = Cut(Read(() => exception.Message)),
        Detail = Cut(Read(() => exception.ToString())),
        Data = exception is TaskFailedException { Data: { Length: > 0 } data } ? data : default,
    };

    /// <summary>The error that a rule gives.</summary>
    public static TaskError Of(string type, string message) => new() { Type = type, Message = Cut(message) };

    /// <inheritdoc/>
    public override string ToString() => $"{Type}: {Message}";

    // An exception may override its texts with code that throws.
    private static string Read(Func<string> text)
    {
        try
        {
            return text() ?? "";
        }
        catch (Exception e)
        {
            return $"(the exception's own text threw {e.GetType().Name})";
        }
    }

    private static string Cut(string text) =>
        text.Length <= JobDefaults.MaxErrorLength
            ? text
            : string.Concat(text.AsSpan(0, JobDefaults.MaxErrorLength), "…");
}

/// <summary>
/// Thrown by a handler to say more about a failure: that it must not be retried, when to retry, and data for
/// programs.
/// </summary>
public sealed class TaskFailedException : Exception
{
    /// <summary>Makes one.</summary>
    public TaskFailedException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    public TaskFailedException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Makes one without a message.</summary>
    public TaskFailedException() { }

    /// <summary>The recorded <see cref="TaskError.Type"/>. Default <c>TaskFailed</c>.</summary>
    public string Type { get; init; } = "TaskFailed";

    /// <summary>False: no further attempt is made, whatever the retry policy. Default true.</summary>
    public bool Retryable { get; init; } = true;

    /// <summary>
    /// When the next attempt should start, in place of the policy's pause. Null, the default: the policy decides.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The recorded <see cref="TaskError.Data"/>, as UTF-8 JSON.</summary>
    public new ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The same, from a value.</summary>
    public static ReadOnlyMemory<byte> ToData<T>(T value) =>
        JsonSerializer.SerializeToUtf8Bytes(value, GranaryJson.Options);
}
