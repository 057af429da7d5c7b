using System.CommandLine;
using Granary.Engines;
using Spectre.Console;

namespace Granary.Cli;

/// <summary><c>granary timeline</c>: every attempt and wait on a time axis.</summary>
internal static class TimelineVerb
{
    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        Option<int?> width = Options.Whole("--width", 40, 1000, "Columns. Default: the terminal's, or 100.");
        Option<int?> rows = Options.Whole("--rows", 1, 10_000, "At most so many slots and so many waits. Default 32.");
        var svg =
            new Option<string?>("--svg") { Description = "Write it to this file as SVG instead.", HelpName = "FILE" };
        Option<bool> json = Options.Json("each attempt and wait on a line");
        var command = new Command("timeline", "Draws when each task ran and waited.") { name, width, rows, svg, json };
        return Verb.Reading(command, error, async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            if (verb.Parsed.GetValue(json)) await WriteJsonAsync(verb, job.Id);
            else if (verb.Parsed.GetValue(svg) is { } file) await WriteSvgAsync(verb, job, file);
            else await DrawAsync(verb, job, verb.Parsed.GetValue(width), verb.Parsed.GetValue(rows) ?? 32);
            return ExitCode.Ok;
        });
    }

    private static IAsyncEnumerable<TimelineSpan> SpansAsync(VerbContext verb, JobId job) =>
        Lanes.InOrderAsync(verb.Engine.ReadTimelineAsync(job, verb.Cancellation));

    private static async Task WriteJsonAsync(VerbContext verb, JobId job)
    {
        using LineOutput output = Report.Lines();
        await foreach (TimelineSpan span in SpansAsync(verb, job)) output.Write(span, StatusJson.Write);
    }

    private static async Task DrawAsync(VerbContext verb, JobStatus job, int? width, int rows)
    {
        IAnsiConsole console = Report.Console();
        int columns = width ?? (Console.IsOutputRedirected ? 100 : Math.Max(40, console.Profile.Width));
        var gantt = new TextGantt(job.SubmittedAt, job.FinishedAt ?? TimeProvider.System.GetUtcNow(), columns, rows);
        await foreach (TimelineSpan span in SpansAsync(verb, job.Id)) gantt.Add(span);
        foreach (string line in gantt.Lines()) console.MarkupLine(line);
        console.MarkupLine(TextGantt.Legend);
    }

    // Read twice: the picture's height is known only at the end of the first reading.
    private static async Task WriteSvgAsync(VerbContext verb, JobStatus job, string file)
    {
        DateTimeOffset end = job.FinishedAt ?? TimeProvider.System.GetUtcNow();
        var lanes = new Lanes(end);
        await foreach (TimelineSpan span in SpansAsync(verb, job.Id)) lanes.Place(span);
        await using var writer = new StreamWriter(file);
        var svg = new SvgTimeline(writer, job.SubmittedAt, end);
        svg.Begin($"{job.Id} {Printable.Escape(job.Spec.Name)}", lanes.Slots, lanes.Waits);
        await foreach (TimelineSpan span in SpansAsync(verb, job.Id)) svg.Add(span);
        svg.End();
    }
}
