using Granary.Engines;

namespace Granary.Cli;

/// <summary>Lays spans in rows as slots do: each takes the first row that is free when it begins. Waits have rows of
/// their own.</summary>
internal sealed class Lanes(DateTimeOffset now)
{
    private readonly List<DateTimeOffset> _slots = [];
    private readonly List<DateTimeOffset> _waits = [];

    public int Slots => _slots.Count;

    public int Waits => _waits.Count;

    /// <summary>Puts spans that come by their ends into the order in which they began, as far as some thousands of them
    /// reach.</summary>
    public static async IAsyncEnumerable<TimelineSpan> InOrderAsync(IAsyncEnumerable<TimelineSpan> spans)
    {
        const int Window = 1 << 16;
        var waiting = new PriorityQueue<TimelineSpan, (DateTimeOffset, int)>();
        await foreach (TimelineSpan span in spans)
        {
            waiting.Enqueue(span, (span.Start, span.Node));
            if (waiting.Count > Window) yield return waiting.Dequeue();
        }
        while (waiting.TryDequeue(out TimelineSpan? span, out _)) yield return span;
    }

    public static bool IsWait(TimelineSpan span) => span.Attempt == 0;

    /// <summary>The row of the span among its kind; spans come in the order they began.</summary>
    public int Place(TimelineSpan span)
    {
        List<DateTimeOffset> rows = IsWait(span) ? _waits : _slots;
        int row = rows.FindIndex(free => free <= span.Start);
        if (row < 0)
        {
            row = rows.Count;
            rows.Add(default);
        }
        rows[row] = span.End ?? now;
        return row;
    }
}
