using System.Text.Json;

namespace Granary;

/// <summary>How arguments and results become JSON.</summary>
public static class GranaryJson
{
    /// <summary>The web defaults: camel case, and reading that does not look at case.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
