using System.Text.Json;

namespace Granary.Benchmarks;

/// <summary>About 60 bytes of distinct JSON.</summary>
internal sealed class PageArgs
{
    public int Id { get; set; }

    public string Url { get; set; } = "";
}

/// <summary>About 30 bytes of JSON.</summary>
internal sealed class PageResult
{
    public int Id { get; set; }

    public string Etag { get; set; } = "";
}

/// <summary>The work that is none: arguments read, a result written.</summary>
internal static class NoOp
{
    public const string Name = "noop";

    public static HandlerRegistry Handlers { get; } = new HandlerRegistry()
        .Handle<PageArgs, PageResult>(Name, static (args, _) => Task.FromResult(Answer(args)))
        .Handle<int, int>("add", static (n, _) => Task.FromResult(n + 1))
        .Handle<int, int>("wait", static async (n, _) =>
        {
            await Task.Delay(5);
            return n;
        });

    public static PageArgs Args(int i) => new() { Id = i, Url = $"https://example.org/library/pages/{i}" };

    public static PageResult Answer(PageArgs args) => new() { Id = args.Id, Etag = "e5f1a2c3" };

    /// <summary>What a loop without Granary does for a task: the same JSON in and out.</summary>
    public static byte[] Call(byte[] json) =>
        JsonSerializer.SerializeToUtf8Bytes(
            Answer(JsonSerializer.Deserialize<PageArgs>(json, GranaryJson.Options)!), GranaryJson.Options);
}
