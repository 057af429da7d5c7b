using System.CommandLine;
using Granary.Engines;

namespace Granary.Cli;

/// <summary><c>granary pending</c>: what has not ended, and why it is not running.</summary>
internal static class PendingVerb
{
    private const int PageSize = 1000;

    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        Option<int?> max = Options.Whole("--max", 1, int.MaxValue, "At most so many. Default 50; with --json all.");
        Option<bool> json = Options.Json("one object per line");
        var command =
            new Command("pending", "Lists what has not ended, each with the reason why it is not running.") { name,
            max, json };
        return Verb.Reading(command, error, async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            if (verb.Parsed.GetValue(json))
                await PrintJsonAsync(verb, job.Id, verb.Parsed.GetValue(max) ?? int.MaxValue);
            else await PrintTableAsync(verb, job, verb.Parsed.GetValue(max) ?? 50);
            return ExitCode.Ok;
        });
    }

    private static async Task PrintJsonAsync(VerbContext verb, JobId job, int max)
    {
        using LineOutput output = Report.Lines();
        await foreach (PendingTask task in ReadAsync(verb, job, max)) output.Write(task, StatusJson.Write);
    }

    private static async Task PrintTableAsync(VerbContext verb, JobStatus job, int max)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        var rows = new List<string[]>();
        await foreach (PendingTask task in ReadAsync(verb, job.Id, max)) rows.Add(Row(task, now));
        if (rows.Count > 0) Report.Table(["ITEM", "TASK", "STATE", "REASON", "ATTEMPTS", "SINCE/DUE", "NOTE"], rows);
        int left = job.Counts.Total - job.Counts.Ended - rows.Count;
        if (rows.Count == 0) verb.Error.Say("nothing is pending");
        else if (left > 0) verb.Error.Say($"and {left:N0} more; see --max");
    }

    private static string[] Row(PendingTask task, DateTimeOffset now) =>
    [
        task.Path,
        task.Handler.Length > 0 ? task.Handler : "(wait)",
        task.State.ToString(),
        task.Reason == Reason.None ? "" : task.Reason.ToString(),
        task.Attempts.ToString(null, null),
        task.DueAt is { } due ? "in " + Durations.Show(due - now)
            : task.StartedAt is { } start ? "for " + Durations.Show(now - start) : "",
        task.Progress is { } progress ? $"{progress.Fraction:P0} {progress.Note}" : Printable.Cut(task.LastError, 60),
    ];

    private static async IAsyncEnumerable<PendingTask> ReadAsync(VerbContext verb, JobId job, int max)
    {
        int after = -1;
        while (max > 0)
        {
            IReadOnlyList<PendingTask> page =
                await verb.Engine.ListPendingAsync(job, after, Math.Min(PageSize, max), verb.Cancellation);
            foreach (PendingTask task in page) yield return task;
            if (page.Count == 0) yield break;
            max -= page.Count;
            after = page[^1].Node;
        }
    }
}
