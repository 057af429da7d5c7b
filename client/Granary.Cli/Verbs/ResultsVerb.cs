using System.CommandLine;
using Granary.Engines;

namespace Granary.Cli;

/// <summary><c>granary results</c>: outcomes so far, or as they come.</summary>
internal static class ResultsVerb
{
    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        var completed =
            new Option<bool>("--as-completed") { Description = "In completion order. Default: submission order." };
        Option<int?> after =
            Options.Whole("--after", 0, int.MaxValue, "With --as-completed: leave out the first N completions.");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the job has ended." };
        Option<bool> json = Options.Json("each outcome on a line");
        var command = new Command("results", "Prints the outcomes of a job.") { name, completed, after, follow, json };
        return Verb.Reading(command, error, async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            if (verb.Parsed.GetValue(after) is not null && !verb.Parsed.GetValue(completed))
                throw CliException.BadInput("--after counts completions", "Add --as-completed.");
            if (verb.Parsed.GetValue(follow)) await verb.WarnIfIdleAsync(job);
            using LineOutput lines = Report.Lines();
            Action<Outcome> print = verb.Parsed.GetValue(json)
                ? outcome => lines.Write(outcome, OutcomeJson.Write)
                : outcome => PrintText(lines, outcome);
            var pump = new OutcomePump(verb.Engine, job.Id, print, lines.Flush);
            CancellationToken stop =
                verb.Parsed.GetValue(follow) ? verb.Cancellation : new CancellationToken(canceled: true);
            if (verb.Parsed.GetValue(completed)) await pump.CompletionsAsync(verb.Parsed.GetValue(after) ?? 0, stop);
            else if (verb.Parsed.GetValue(follow)) await pump.OrderedAsync(0, job.ItemCount, stop);
            else await pump.SoFarAsync(job.ItemCount);
            verb.Cancellation.ThrowIfCancellationRequested();
            return ExitCode.Ok;
        });
    }

    // Text columns; values are cut to the width of a terminal.
    private static void PrintText(LineOutput lines, Outcome outcome)
    {
        string reason = outcome.Reason == Reason.None ? "" : $" ({outcome.Reason})";
        string payload =
            outcome.Error is { } error ? error.ToString() : System.Text.Encoding.UTF8.GetString(outcome.Value.Span);
        string text =
            $"{outcome.Index,7}  {outcome.State + reason,-9}  {Durations.Show(outcome.Duration),7}  {payload}";
        lines.WriteText(
            Printable.Cut(text, Console.IsOutputRedirected ? int.MaxValue : Math.Max(40, Console.WindowWidth)));
    }
}
