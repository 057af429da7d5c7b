using System.Globalization;

namespace Granary.Cli;

/// <summary>Points in time as text.</summary>
internal static class Times
{
    /// <summary>UTC with milliseconds: <c>2026-01-31T09:30:00.125Z</c>.</summary>
    public static string Show(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>For people, in local time: <c>09:30:00</c> today, otherwise with its date.</summary>
    public static string ShowLocal(DateTimeOffset time, DateTimeOffset now)
    {
        DateTime local = time.LocalDateTime;
        string format = local.Date == now.LocalDateTime.Date ? "HH:mm:ss" : "yyyy-MM-dd HH:mm:ss";
        return local.ToString(format, CultureInfo.InvariantCulture);
    }
}
