using System.CommandLine;

namespace Granary.Cli;

/// <summary><c>granary show</c>.</summary>
internal static class ShowVerb
{
    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        Option<bool> json = Options.Json("an object");
        return Verb.Reading(new Command("show", "Shows where a job stands.") { name, json }, error, async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            if (verb.Parsed.GetValue(json)) Report.Line(job, StatusJson.Write);
            else Print(job);
            return ExitCode.Ok;
        });
    }

    /// <summary>The job for people.</summary>
    public static void Print(JobStatus job)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        string reason = job.Reason == Reason.None ? "" : $" ({job.Reason})";
        string pool = job.Spec.Kind == JobKind.Batch ? $", {job.MaxConcurrency:N0} at once" : "";
        List<string[]> rows =
        [
            ["job", job.Id.ToString()],
            ["key", job.Spec.Key ?? "-"],
            ["name", job.Spec.Name],
            ["state", job.State + reason + (job.Paused ? ", paused" : "")],
            ["kind", $"{job.Spec.Kind} of {job.ItemCount:N0}{pool}"],
            ["tasks", ProgressView.Line(job, now)],
            ["submitted", Times.ShowLocal(job.SubmittedAt, now)],
        ];
        if (job.FinishedAt is { } end)
            rows.Add(["finished", $"{Times.ShowLocal(end, now)}, after {Durations.Show(end - job.SubmittedAt)}"]);
        foreach (string[] row in rows) Console.Out.WriteLine($"{row[0],-10} {Printable.Escape(row[1])}");
    }
}
