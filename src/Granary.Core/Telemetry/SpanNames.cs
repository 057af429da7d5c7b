namespace Granary.Telemetry;

/// <summary>The names of all spans. Those that end in a word in braces have few values for it.</summary>
internal static class SpanNames
{
    public const string Submit = "submit {kind}";
    public const string Accept = "accept {kind}";
    public const string Process = "process {handler}";
    public const string Recover = "recover {kind}";
    public const string Run = "run {kind}";
}
