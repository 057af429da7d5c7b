using System.Buffers;
using System.Globalization;

namespace Granary;

/// <summary>
/// Times as people write them: numbers with the units <c>d</c>, <c>h</c>, <c>m</c>, <c>s</c> and <c>ms</c>, the
/// larger unit first and each at most once: <c>250ms</c>, <c>1.5s</c>, <c>1m30s</c>, <c>2h</c>, <c>7d</c>. No sign,
/// no spaces, no number without a unit. One grammar for job files, the command line and the <c>sleep</c> handler.
/// </summary>
public static class DurationText
{
    /// <summary>The grammar in one sentence, for error messages.</summary>
    public const string Grammar = "A duration is written like 250ms, 1.5s, 1m30s, 2h or 7d, and is at most 10000d.";

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");
    private static readonly (string Name, long Ticks)[] s_units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond), ("ms", TimeSpan.TicksPerMillisecond),
    ];

    /// <summary>
    /// Reads a duration from zero up to <see cref="JobDefaults.MaxTime"/>; false when the text is none.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        if (text.IsEmpty) return false;
        decimal ticks = 0;
        for (int next = 0; !text.IsEmpty;)
        {
            int number = text.IndexOfAnyExcept(s_digits);
            if (number <= 0 || !TryNumber(text[..number], out decimal value)) return false;
            text = text[number..];
            int letters = text.IndexOfAny(s_digits);
            ReadOnlySpan<char> name = letters < 0 ? text : text[..letters];
            int unit = UnitFrom(name, next);
            if (unit < 0) return false;
            // At most 8.64e15 times 8.64e11, which a decimal holds.
            ticks += value * s_units[unit].Ticks;
            if (ticks > JobDefaults.MaxTime.Ticks) return false;
            text = text[name.Length..];
            next = unit + 1;
        }
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads the same value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public static string Format(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        if (duration == TimeSpan.Zero) return "0s";
        if (duration < TimeSpan.FromSeconds(1)) return Number(duration.Ticks, TimeSpan.TicksPerMillisecond) + "ms";
        string text = "";
        long rest = duration.Ticks;
        foreach ((string name, long ticks) in s_units.AsSpan(0, 3))
        {
            if (rest >= ticks) text += $"{rest / ticks}{name}";
            rest %= ticks;
        }
        return rest == 0 ? text : text + Number(rest, TimeSpan.TicksPerSecond) + "s";
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out decimal value)
    {
        value = 0;
        return text[0] != '.' && text[^1] != '.'
            && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
            && value <= JobDefaults.MaxTime.Ticks;
    }

    private static int UnitFrom(ReadOnlySpan<char> name, int first)
    {
        for (int unit = first; unit < s_units.Length; unit++)
            if (name.SequenceEqual(s_units[unit].Name)) return unit;
        return -1;
    }

    private static string Number(long ticks, long unit) =>
        ((decimal)ticks / unit).ToString("0.#######", CultureInfo.InvariantCulture);
}
