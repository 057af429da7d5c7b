using System.Globalization;
using Granary.Engines;
using Granary.Stores;
using Spectre.Console;

namespace Granary.Cli;

/// <summary>Shows how far a job is on standard error: a live bar on a terminal, otherwise a plain line every few
/// seconds.</summary>
internal sealed class ProgressView(StandardError error, IJobEngine engine, JobId job)
{
    private static readonly TimeSpan s_barEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_lineEvery = TimeSpan.FromSeconds(5);

    /// <summary>What the bar ends with, such as the keys or that the run is stopping.</summary>
    public string Note { get; set; } = "";

    /// <summary>Why nothing can be recorded at the moment, such as a full disk; null when all is well.</summary>
    public Func<StoreFault?> Blocked { get; init; } = static () => null;

    /// <summary>Shows until canceled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(error.IsTerminal ? s_barEvery : s_lineEvery);
        string last = "";
        StoreFault? blocked = null;
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                if (Blocked() is var now && now != blocked) SayBlocked(blocked = now);
                JobStatus status = await engine.GetStatusAsync(job, stop);
                if (error.IsTerminal) error.Live(Bar(status, error.Width, Note, TimeProvider.System.GetUtcNow()));
                else if (Line(status, TimeProvider.System.GetUtcNow()) is var line && line != last)
                    error.Say(last = line);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Its normal end.
        }
        finally
        {
            if (error.IsTerminal) error.Live("");
        }
    }

    private void SayBlocked(StoreFault? fault) => error.Say(fault switch
    {
        null => "the database can be written again",
        StoreFault.Full => "there is no room for the database; make some, and it goes on by itself",
        _ => $"the database cannot be written at the moment ({fault}); it goes on by itself when it can",
    });

    /// <summary><c>620 of 1,000 done (62%), 2 failed, 8 running, 310/s, ends in about 12s</c>.</summary>
    public static string Line(JobStatus status, DateTimeOffset now)
    {
        JobCounts counts = status.Counts;
        return Text($"{counts.Ended:N0} of {counts.Total:N0} done ({Percent(counts)}%)") + Details(status, now, ", ");
    }

    /// <summary>The same as Spectre markup, with a bar, in at most so many columns.</summary>
    public static string Bar(JobStatus status, int width, string note, DateTimeOffset now)
    {
        JobCounts counts = status.Counts;
        string text = Text($"{Percent(counts),3}% {counts.Ended:N0}/{counts.Total:N0}") + Details(status, now, "  ");
        if (note.Length > 0 && text.Length + note.Length + 24 < width) text += "  " + note;
        int room = Math.Clamp(width - text.Length - 2, 8, 40);
        text = Printable.Cut(text, width - room - 2);
        int full = counts.Total == 0 ? room : (int)((long)room * counts.Ended / counts.Total);
        int failed =
            counts.Ended == 0 ? 0 : (int)Math.Ceiling((double)full * (counts.Failed + counts.Canceled) / counts.Ended);
        return $"[green]{new string('━', full - failed)}[/][red]{new string('━', failed)}[/]" +
            $"[grey]{new string('─', room - full)}[/] {Markup.Escape(text)}";
    }

    private static string Details(JobStatus status, DateTimeOffset now, string separator)
    {
        JobCounts counts = status.Counts;
        var parts = new List<string>();
        if (counts.Failed > 0) parts.Add(Text($"{counts.Failed:N0} failed"));
        if (counts.Canceled > 0) parts.Add(Text($"{counts.Canceled:N0} canceled"));
        if (counts.Running > 0) parts.Add(Text($"{counts.Running:N0} running"));
        if (counts.Canceling > 0) parts.Add(Text($"{counts.Canceling:N0} stopping"));
        if (counts.Waiting > 0) parts.Add(Text($"{counts.Waiting:N0} waiting"));
        if (status.Paused) parts.Add("paused");
        if (status.Rate > 0) parts.Add(Text($"{status.Rate:0.#}/s"));
        if (status.ExpectedEnd is { } end && end > now && !status.State.IsEnd())
            parts.Add($"ends in about {Durations.Show(end - now)}");
        return string.Concat(parts.Select(part => separator + part));
    }

    // 100 only when all have ended.
    private static int Percent(JobCounts counts) => counts.Total == 0 ? 100 : (int)(100L * counts.Ended / counts.Total);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
