using System.Globalization;
using System.Net;
using Granary.Engines;

namespace Granary.Cli;

/// <summary>A timeline as a self-contained SVG: a row for each slot, below them a row for each wait going on.</summary>
internal sealed class SvgTimeline(TextWriter writer, DateTimeOffset start, DateTimeOffset end)
{
    private const int Width = 1200;
    private const int Left = 70;
    private const int Top = 40;
    private const int RowHeight = 16;

    private const string Style = "rect.ok{fill:#3a9d5d}rect.bad{fill:#cf3b3b}rect.off{fill:#9a9a9a}" +
        "rect.run{fill:#e0a526}rect.wait{fill:#d8dde6}";

    private readonly Lanes _lanes = new(end);
    private readonly Dictionary<(bool Wait, int Lane), (double To, string Class)> _last = [];
    private int _slots;

    /// <summary>What stands before the spans.</summary>
    public void Begin(string title, int slots, int waits)
    {
        _slots = slots;
        int height = Top + (slots + waits + 2) * RowHeight;
        string size = Text($"0 0 {Width + Left + 20} {height}");
        writer.WriteLine($"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="11">
            <style>{Style}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="10" y="20" font-size="14">{WebUtility.HtmlEncode(title)}</text>
            """);
        for (int row = 0; row < slots + waits; row++)
        {
            string name = row < slots ? $"slot {row + 1}" : $"wait {row - slots + 1}";
            writer.WriteLine(Text($"""<text x="10" y="{Top + row * RowHeight + 12}">{name}</text>"""));
        }
        for (int tick = 0; tick <= 10; tick++)
        {
            int x = Left + tick * Width / 10;
            string time = Durations.Show((end - start) * tick / 10);
            writer.WriteLine(Text($"""<line x1="{x}" y1="{Top}" x2="{x}" y2="{height - RowHeight}" stroke="#eee"/>"""));
            writer.WriteLine(Text($"""<text x="{x}" y="{height - 4}" text-anchor="middle">{time}</text>"""));
        }
    }

    /// <summary>Adds a span. One that would not show beside its neighbor is left out, so that the file stays
    /// small.</summary>
    public void Add(TimelineSpan span)
    {
        bool wait = Lanes.IsWait(span);
        int lane = _lanes.Place(span);
        double from = X(span.Start), to = Math.Max(from + 0.5, X(span.End ?? end));
        string style = Class(span);
        if (_last.TryGetValue((wait, lane), out var last) && last.Class == style && to < last.To + 0.5) return;
        _last[(wait, lane)] = (to, style);
        int y = Top + (wait ? _slots + lane : lane) * RowHeight;
        string took = Durations.Show((span.End ?? end) - span.Start);
        string title = wait
            ? $"{span.Path} waits {took}"
            : $"{span.Path} {span.Handler}, attempt {span.Attempt}: {span.State}, {took}";
        string place = Text($"""x="{from:0.##}" y="{y}" width="{to - from:0.##}" height="{RowHeight - 2}" """);
        string encoded = WebUtility.HtmlEncode(Printable.Escape(title));
        writer.WriteLine($"""<rect class="{style}" {place}><title>{encoded}</title></rect>""");
    }

    public void End() => writer.WriteLine("</svg>");

    private double X(DateTimeOffset time) => Left
        + (end > start ? Math.Clamp((time - start) / (end - start), 0, 1) * Width : 0);

    private static string Class(TimelineSpan span) => Lanes.IsWait(span) ? "wait" : span.State switch
    {
        JobState.Succeeded => "ok",
        JobState.Failed => "bad",
        JobState.Canceled => "off",
        _ => "run",
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
