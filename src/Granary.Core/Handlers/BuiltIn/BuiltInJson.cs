using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Granary;

/// <summary>
/// The arguments of the built-in handlers. Read without reflection: the command line pays for it at each start.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(SleepArgs))]
[JsonSerializable(typeof(ExecArgs))]
[JsonSerializable(typeof(HttpArgs))]
internal sealed partial class BuiltInJson : JsonSerializerContext
{
    /// <summary>Results are data, not HTML: only what JSON itself asks for is escaped.</summary>
    public static JsonWriterOptions Writing { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static T Read<T>(TaskContext task, JsonTypeInfo<T> type)
    {
        if (task.Args.IsEmpty) throw BadArguments(task, "There are none.");
        try
        {
            return JsonSerializer.Deserialize(task.Args.Span, type) ?? throw BadArguments(task, "They are null.");
        }
        catch (JsonException e)
        {
            throw BadArguments(task, e.Message);
        }
    }

    public static TaskFailedException BadArguments(TaskContext task, string why) =>
        new($"The arguments of '{task.Handler}' cannot be used. {why}") { Type = "BadArguments", Retryable = false };
}

/// <summary>Arguments of <c>sleep</c>.</summary>
internal sealed record SleepArgs(string Duration);

/// <summary>Arguments of <c>exec</c>.</summary>
/// <param name="Argv">The program and its arguments; at least one.</param>
/// <param name="Stdin">What the program reads; without it, nothing.</param>
/// <param name="Cwd">Where it runs; without it, where the engine runs.</param>
/// <param name="Env">Variables to add to the engine's own; null takes one away.</param>
internal sealed record ExecArgs(
    string[] Argv, string? Stdin = null, string? Cwd = null, Dictionary<string, string?>? Env = null);

/// <summary>Arguments of <c>http</c>.</summary>
/// <param name="Url">An absolute http or https address.</param>
/// <param name="Method">Default GET, with a body POST.</param>
/// <param name="Headers">Request headers.</param>
/// <param name="Body">Text, or any other JSON to be sent as JSON.</param>
/// <param name="Expect">The status, or the list of them, that counts as success. Default: every one below 400.</param>
internal sealed record HttpArgs(
    string Url, string? Method = null, Dictionary<string, string>? Headers = null, JsonElement Body = default,
    JsonElement Expect = default);
