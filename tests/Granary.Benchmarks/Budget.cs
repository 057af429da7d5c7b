using System.Globalization;
using System.Text.Json;

namespace Granary.Benchmarks;

/// <summary>One line of a run that has budgets instead of a limit: what was measured, and what of it is over
/// budget.</summary>
internal sealed class Budget(string workload, long n)
{
    private readonly List<(string Name, double Value)> _measured = [];
    private readonly List<string> _over = [];

    public bool IsMet => _over.Count == 0;

    /// <summary>Notes a measurement.</summary>
    /// <param name="name">With its unit.</param>
    /// <param name="value">What was measured.</param>
    /// <param name="most">The budget, if there is one.</param>
    public void Add(string name, double value, double? most = null)
    {
        _measured.Add((name, value));
        if (!(value <= (most ?? double.PositiveInfinity))) _over.Add($"{name} > {most}");
    }

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("workload", workload);
            json.WriteString("engine", "embedded");
            json.WriteString("store", "sqlite");
            json.WriteNumber("n", n);
            foreach ((string name, double value) in _measured)
                json.WriteShort(name, value.ToString("G4", CultureInfo.InvariantCulture));
            json.WriteStartArray("over_budget");
            foreach (string over in _over) json.WriteStringValue(over);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
