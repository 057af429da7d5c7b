using System.Diagnostics;

namespace Granary.Telemetry.Tests.Otlp;

/// <summary>A span as OTLP carries it.</summary>
internal sealed class ReceivedSpan(Protobuf scope, Protobuf span)
{
    public string Scope { get; } = scope.Text(1);

    public string ScopeVersion { get; } = scope.Text(2);

    public string Trace { get; } = span.Hex(1);

    public string Id { get; } = span.Hex(2);

    public string Parent { get; } = span.Hex(4);

    public string Name { get; } = span.Text(5);

    /// <summary>OTLP counts the kinds from 1, the BCL from 0.</summary>
    public ActivityKind Kind { get; } = (ActivityKind)(span.Number(6) - 1);

    public ulong Start { get; } = span.Number(7);

    public ulong End { get; } = span.Number(8);

    public IReadOnlyDictionary<string, string> Attributes { get; } = Received.Attributes(span.Messages(9));

    /// <summary>The spans it is linked to: trace, then span.</summary>
    public IReadOnlyList<(string Trace, string Span)> Links { get; } =
        [.. span.Messages(13).Select(link => (link.Hex(1), link.Hex(2)))];
}

/// <summary>A data point of a metric as OTLP carries it.</summary>
internal sealed record ReceivedPoint(
    string Name, string Unit, double Value, long Count, IReadOnlyDictionary<string, string> Attributes);

/// <summary>Reads the requests of exporters, by the field numbers of opentelemetry-proto.</summary>
internal static class Received
{
    public static IEnumerable<ReceivedSpan> Spans(byte[] request) =>
        from resource in new Protobuf(request).Messages(1)
        from scope in resource.Messages(2)
        from span in scope.Messages(2)
        select new ReceivedSpan(scope.Message(1)!, span);

    public static IEnumerable<ReceivedPoint> Points(byte[] request) =>
        from resource in new Protobuf(request).Messages(1)
        from scope in resource.Messages(2)
        from metric in scope.Messages(2)
        from point in Points(metric)
        select point;

    public static Dictionary<string, string> Attributes(IEnumerable<Protobuf> pairs) =>
        pairs.ToDictionary(pair => pair.Text(1), pair => Value(pair.Message(2)!));

    private static IEnumerable<ReceivedPoint> Points(Protobuf metric)
    {
        (string name, string unit) = (metric.Text(1), metric.Text(3));
        IEnumerable<ReceivedPoint> sums =
            from point in metric.Message(7)?.Messages(1) ?? []
            let value = point.Has(6) ? (long)point.Number(6) : point.Double(4)
            select new ReceivedPoint(name, unit, value, 1, Attributes(point.Messages(7)));
        IEnumerable<ReceivedPoint> histograms =
            from point in metric.Message(9)?.Messages(1) ?? []
            select new ReceivedPoint(
                name, unit, point.Double(5), (long)point.Number(4), Attributes(point.Messages(9)));
        return sums.Concat(histograms);
    }

    private static string Value(Protobuf any) =>
        any.Has(1) ? any.Text(1)
        : any.Has(2) ? (any.Number(2) == 1 ? "true" : "false")
        : any.Has(3) ? $"{(long)any.Number(3)}"
        : any.Has(4) ? $"{any.Double(4)}"
        : throw new InvalidDataException("An attribute is of a kind that nobody writes here.");
}
