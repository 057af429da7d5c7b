using System.Globalization;
using System.Text.Json;

namespace Granary.Benchmarks;

/// <summary>
/// One line of the output. Times are medians of the counted runs; the ratio is against the limit measured in the same
/// run.
/// </summary>
internal sealed record Result
{
    public required string Workload { get; init; }
    public string Engine { get; init; } = "embedded";
    public required string Store { get; init; }
    public required int N { get; init; }
    public required int Pool { get; init; }
    public double? SubmitS { get; init; }
    public required double TotalS { get; init; }
    public required double PerS { get; init; }
    public double? P50Ms { get; init; }
    public double? P99Ms { get; init; }
    public required double CpuS { get; init; }
    public required double PeakRssMb { get; init; }
    public required double LimitPerS { get; init; }
    public required double Ratio { get; init; }

    /// <summary>Allocated by the whole process, and by the limit's loop over the same JSON.</summary>
    public double? BytesPerTask { get; init; }
    public double? LimitBytesPerTask { get; init; }

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("workload", Workload);
            json.WriteString("engine", Engine);
            json.WriteString("store", Store);
            json.WriteNumber("n", N);
            json.WriteNumber("pool", Pool);
            Write(json, "submit_s", SubmitS);
            Write(json, "total_s", TotalS);
            Write(json, "per_s", PerS);
            Write(json, "p50_ms", P50Ms);
            Write(json, "p99_ms", P99Ms);
            Write(json, "cpu_s", CpuS);
            Write(json, "peak_rss_mb", PeakRssMb);
            Write(json, "limit_per_s", LimitPerS);
            Write(json, "ratio", Ratio);
            Write(json, "bytes_per_task", BytesPerTask);
            Write(json, "limit_bytes_per_task", LimitBytesPerTask);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number) json.WriteShort(name, number.ToString("G4", CultureInfo.InvariantCulture));
        else json.WriteNull(name);
    }
}

internal static class JsonNumbers
{
    // Four digits are what three runs can tell.
    public static void WriteShort(this Utf8JsonWriter json, string name, string number)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(decimal.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture)
            .ToString(CultureInfo.InvariantCulture));
    }
}
