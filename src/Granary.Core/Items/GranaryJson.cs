using System.Text.Json;

namespace Granary;

/// <summary>How arguments and results become JSON.</summary>
public static class GranaryJson
{
    /// <summary>Web defaults (camel case, case-insensitive reading); duplicate properties are refused.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { AllowDuplicateProperties = false };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
