using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>Short words for what tests look at in outcomes and answers.</summary>
internal static class Expectations
{
    public static int Index(this JsonElement outcome) => outcome.GetProperty("index").GetInt32();

    public static string? State(this JsonElement outcome) => outcome.Text("state");

    public static string? Text(this JsonElement element, string name) => element.GetProperty(name).GetString();

    public static int Number(this JsonElement element, string name) => element.GetProperty(name).GetInt32();

    public static JsonElement Value(this JsonElement outcome) => outcome.GetProperty("value");

    /// <summary>What the program of an exec task wrote.</summary>
    public static string? Stdout(this JsonElement outcome) => outcome.Value().Text("stdout");

    public static string[] Lines(this string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static IEnumerable<int> Indexes(this JsonElement[] outcomes) => outcomes.Select(Index);

    public static IEnumerable<string?> States(this JsonElement[] outcomes) => outcomes.Select(State);

    public static JsonElement[] Sorted(this JsonElement[] outcomes) => [.. outcomes.OrderBy(Index)];
}
