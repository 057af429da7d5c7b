using System.Diagnostics.CodeAnalysis;

namespace Granary;

/// <summary>
/// Names one job. Ids sort by the time of submission and read as 13 letters and digits of Crockford's base 32
/// (for example <c>01kwx4m5t9z2q</c>).
/// </summary>
/// <param name="Value">42 bits of Unix milliseconds (enough until the year 2109), then 21 random bits; always
/// positive.</param>
public readonly record struct JobId(long Value) : IComparable<JobId>
{
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int Length = 13;

    /// <summary>
    /// Makes an id from a time and 21 random bits; both are inputs so that rules and tests stay repeatable.
    /// </summary>
    public static JobId From(DateTimeOffset time, int random) =>
        new((time.ToUnixTimeMilliseconds() << 21) | (uint)(random & 0x1FFFFF));

    /// <summary>Reads the text form. Upper case, and the look-alikes o, i and l, are accepted.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out JobId id)
    {
        id = default;
        if (text is not { Length: Length }) return false;
        long value = 0;
        foreach (char c in text)
        {
            char lower = char.ToLowerInvariant(c) switch { 'o' => '0', 'i' or 'l' => '1', var other => other };
            int digit = Digits.IndexOf(lower, StringComparison.Ordinal);
            if (digit < 0 || value > long.MaxValue >> 5) return false;
            value = (value << 5) | (uint)digit;
        }
        id = new JobId(value);
        return value > 0;
    }

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">The text is no job id.</exception>
    public static JobId Parse(string text) =>
        TryParse(text, out JobId id) ? id : throw new FormatException($"'{text}' is not a job id.");

    /// <inheritdoc/>
    public override string ToString() => string.Create(Length, Value, static (span, value) =>
    {
        for (int i = span.Length - 1; i >= 0; i--, value >>= 5) span[i] = Digits[(int)(value & 31)];
    });

    /// <inheritdoc/>
    public int CompareTo(JobId other) => Value.CompareTo(other.Value);

    /// <summary>Earlier submission first.</summary>
    public static bool operator <(JobId left, JobId right) => left.Value < right.Value;

    /// <summary>Earlier submission first.</summary>
    public static bool operator >(JobId left, JobId right) => left.Value > right.Value;

    /// <summary>Earlier submission first.</summary>
    public static bool operator <=(JobId left, JobId right) => left.Value <= right.Value;

    /// <summary>Earlier submission first.</summary>
    public static bool operator >=(JobId left, JobId right) => left.Value >= right.Value;
}
