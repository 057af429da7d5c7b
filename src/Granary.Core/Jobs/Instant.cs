namespace Granary;

/// <summary>A point in time as rules and records count it: whole microseconds since 1970-01-01 UTC.</summary>
internal readonly record struct Instant(long Micros) : IComparable<Instant>
{
    public static readonly Instant Never = new(long.MaxValue);

    public static Instant From(DateTimeOffset time) =>
        new((time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

    public DateTimeOffset ToTime() => DateTimeOffset.UnixEpoch.AddTicks(Micros * TimeSpan.TicksPerMicrosecond);

    /// <summary>The first whole multiple of a step that is not before it.</summary>
    public Instant RoundUp(TimeSpan step)
    {
        long micros = step.Ticks / TimeSpan.TicksPerMicrosecond;
        return new(checked((Micros + micros - 1) / micros * micros));
    }

    public int CompareTo(Instant other) => Micros.CompareTo(other.Micros);

    public static Instant operator +(Instant left, TimeSpan right) =>
        new(left.Micros + right.Ticks / TimeSpan.TicksPerMicrosecond);

    public static Instant operator -(Instant left, TimeSpan right) =>
        new(left.Micros - right.Ticks / TimeSpan.TicksPerMicrosecond);

    public static TimeSpan operator -(Instant left, Instant right) =>
        TimeSpan.FromTicks((left.Micros - right.Micros) * TimeSpan.TicksPerMicrosecond);

    public static bool operator <(Instant left, Instant right) => left.Micros < right.Micros;

    public static bool operator >(Instant left, Instant right) => left.Micros > right.Micros;

    public static bool operator <=(Instant left, Instant right) => left.Micros <= right.Micros;

    public static bool operator >=(Instant left, Instant right) => left.Micros >= right.Micros;
}
