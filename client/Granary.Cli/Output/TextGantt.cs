using System.Text;
using Granary.Engines;
using Spectre.Console;

namespace Granary.Cli;

/// <summary>A timeline as text: a row for each slot and each wait going on, as wide as asked for.</summary>
internal sealed class TextGantt(DateTimeOffset start, DateTimeOffset end, int width, int maxRows)
{
    public const string Legend = "= succeeded  x failed  - canceled  > running  . waiting";

    private const int TitleWidth = 9;
    private readonly Lanes _lanes = new(end);
    private readonly List<Row> _slots = [];
    private readonly List<Row> _waits = [];
    private readonly int _cells = Math.Max(10, width - TitleWidth - 2);

    private sealed class Row(int cells)
    {
        public char[] Marks { get; } = Enumerable.Repeat(' ', cells).ToArray();

        public char[] Text { get; } = new char[cells];
    }

    /// <summary>Adds a span; they come in the order they began.</summary>
    public void Add(TimelineSpan span)
    {
        int lane = _lanes.Place(span);
        if (lane >= maxRows) return;
        List<Row> rows = Lanes.IsWait(span) ? _waits : _slots;
        while (rows.Count <= lane) rows.Add(new Row(_cells));
        Row row = rows[lane];
        int from = CellOf(span.Start), to = Math.Max(from, CellOf(span.End ?? end) - 1);
        char mark = Mark(span);
        for (int cell = from; cell <= to; cell++)
        {
            if (Severity(mark) >= Severity(row.Marks[cell])) row.Marks[cell] = mark;
            row.Text[cell] = '\0';
        }
        if (span.Path.Length + 2 <= to - from + 1) span.Path.CopyTo(row.Text.AsSpan(from + 1));
    }

    /// <summary>The rows from top to bottom, as Spectre markup.</summary>
    public IEnumerable<string> Lines()
    {
        for (int i = 0; i < _slots.Count; i++) yield return Title($"slot {i + 1}") + Draw(_slots[i]);
        if (_lanes.Slots > maxRows) yield return Markup.Escape($"          and {_lanes.Slots - maxRows:N0} more slots");
        for (int i = 0; i < _waits.Count; i++) yield return Title($"wait {i + 1}") + Draw(_waits[i]);
        if (_lanes.Waits > maxRows) yield return Markup.Escape($"          and {_lanes.Waits - maxRows:N0} more waits");
        string took = Durations.Show(end - start);
        yield return new string(' ', TitleWidth) + "0" + took.PadLeft(_cells);
    }

    private static string Title(string title) => title.PadRight(TitleWidth);

    private static string Draw(Row row)
    {
        var line = new StringBuilder("|");
        for (int from = 0; from < row.Marks.Length;)
        {
            int to = from;
            while (to < row.Marks.Length && row.Marks[to] == row.Marks[from]) to++;
            var text = new StringBuilder();
            for (int cell =
                from; cell < to; cell++) text.Append(row.Text[cell] != '\0' ? row.Text[cell] : row.Marks[cell]);
            string escaped = Markup.Escape(text.ToString());
            line.Append(row.Marks[from] == ' ' ? escaped : $"[{Color(row.Marks[from])}]{escaped}[/]");
            from = to;
        }
        return line.Append('|').ToString();
    }

    private int CellOf(DateTimeOffset time)
    {
        double share = end > start ? (time - start) / (end - start) : 0;
        return (int)Math.Clamp(Math.Round(share * _cells), 0, _cells - (time >= end ? 0 : 1));
    }

    private static char Mark(TimelineSpan span) => Lanes.IsWait(span) ? '.' : span.State switch
    {
        JobState.Succeeded => '=',
        JobState.Failed => 'x',
        JobState.Canceled => '-',
        _ => '>',
    };

    private static int Severity(char mark) => " .=->x".IndexOf(mark, StringComparison.Ordinal);

    private static string Color(char mark) =>
        mark switch { '=' => "green", 'x' => "red", '>' => "yellow", _ => "grey" };
}
