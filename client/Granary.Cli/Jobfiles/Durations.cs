using System.Buffers;
using System.Globalization;

namespace Granary.Cli;

/// <summary>Durations as text: a number and a unit, <c>250ms</c>, <c>1.5s</c>, <c>1m</c>, <c>2h</c>, <c>7d</c>.</summary>
internal static class Durations
{
    public const string Grammar = "a number and a unit (ms, s, m, h or d), such as \"250ms\", \"1.5s\", \"1m\", \"2h\" or \"7d\"";

    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    /// <summary>Reads one; the problem says what is wrong when it is not one.</summary>
    public static bool TryParse(string text, out TimeSpan value, out string problem)
    {
        value = default;
        int digits = text.AsSpan().IndexOfAnyExcept(s_number);
        string unit = digits < 0 ? "" : text[digits..];
        if (text.StartsWith('-'))
        {
            problem = "must not be negative";
            return false;
        }
        double seconds = unit switch { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, "d" => 86_400, _ => 0 };
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        if (seconds == 0 || !double.TryParse(text.AsSpan(0, digits), Style, CultureInfo.InvariantCulture, out double number))
        {
            problem = "is not a duration";
            return false;
        }
        if (number * seconds > JobDefaults.MaxTime.TotalSeconds)
        {
            problem = $"is longer than {JobDefaults.MaxTime.TotalDays:N0} days";
            return false;
        }
        value = TimeSpan.FromMilliseconds(Math.Round(number * seconds * 1000));
        problem = "";
        return true;
    }

    /// <summary>For people: <c>0.31s</c>, <c>12.4s</c>, <c>3m 20s</c>, <c>2h 05m</c>, <c>3d 4h</c>.</summary>
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
