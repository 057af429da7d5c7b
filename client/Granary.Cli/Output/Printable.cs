using System.Globalization;
using System.Text;

namespace Granary.Cli;

/// <summary>Makes texts of tasks, files and other people safe to show on a terminal.</summary>
internal static class Printable
{
    /// <summary>The text with control and direction-changing characters as escapes such as <c>\u001b</c>.</summary>
    public static string Escape(string text)
    {
        int first = -1;
        for (int i = 0; i < text.Length && first < 0; i++)
            if (IsUnsafe(text[i])) first = i;
        if (first < 0) return text;
        var result = new StringBuilder(text, 0, first, text.Length + 16);
        foreach (char c in text.AsSpan(first))
        {
            if (c == '\n') result.Append("\\n");
            else if (IsUnsafe(c)) result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else result.Append(c);
        }
        return result.ToString();
    }

    /// <summary>The same, cut to at most so many characters.</summary>
    public static string Cut(string text, int width)
    {
        string safe = Escape(text);
        return safe.Length <= width ? safe : string.Concat(safe.AsSpan(0, Math.Max(0, width - 1)), "…");
    }

    private static bool IsUnsafe(char c) =>
        char.IsControl(c)
            || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
