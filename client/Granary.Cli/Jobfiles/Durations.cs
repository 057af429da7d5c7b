using System.Globalization;

namespace Granary.Cli;

/// <summary>Durations of job files and the command line, with what is wrong with those that are none.</summary>
internal static class Durations
{
    /// <summary>Reads one; the problem says what is wrong when it is not one.</summary>
    public static bool TryParse(string text, out TimeSpan value, out string problem)
    {
        problem = "";
        if (DurationText.TryParse(text, out value)) return true;
        bool negative = text.StartsWith('-') && DurationText.TryParse(text.AsSpan(1), out _);
        problem = negative ? "must not be negative" : "is not a duration";
        return false;
    }

    /// <summary>For people: <c>310ms</c>, <c>1.25s</c>, <c>12.4s</c>, <c>3m 20s</c>, <c>2h 05m</c>, <c>3d
    /// 4h</c>.</summary>
    public static string Show(TimeSpan time) => time switch
    {
        { Ticks: < 0 } => "0s",
        { TotalSeconds: < 0.9995 } => Text($"{time.TotalMilliseconds:0}ms"),
        { TotalSeconds: < 10 } => Text($"{time.TotalSeconds:0.00}s"),
        { TotalSeconds: < 60 } => Text($"{time.TotalSeconds:0.0}s"),
        { TotalMinutes: < 60 } => Text($"{time.Minutes}m {time.Seconds:00}s"),
        { TotalHours: < 24 } => Text($"{time.Hours}h {time.Minutes:00}m"),
        _ => Text($"{(int)time.TotalDays}d {time.Hours}h"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
