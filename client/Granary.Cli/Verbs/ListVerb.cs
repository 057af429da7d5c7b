using System.CommandLine;
using Granary.Engines;

namespace Granary.Cli;

/// <summary><c>granary ls</c>.</summary>
internal static class ListVerb
{
    public static Command Create(StandardError error)
    {
        var state = new Option<JobState?>("--state") { Description = "Only jobs in this state.", HelpName = "STATE" };
        Option<int?> max = Options.Whole("--max", 1, 1_000_000, "At most so many. Default 50.");
        Option<bool> json = Options.Json("one object per line");
        return Verb.Reading(new Command("ls", "Lists jobs, newest first.") { state, max, json }, error, async verb =>
        {
            List<JobStatus> jobs = await ReadAsync(
                verb, verb.Parsed.GetValue(state), verb.Parsed.GetValue(max) ?? 50);
            if (verb.Parsed.GetValue(json))
            {
                using LineOutput output = Report.Lines();
                foreach (JobStatus job in jobs) output.Write(job, StatusJson.Write);
            }
            else if (jobs.Count > 0) Print(jobs);
            else verb.Error.Say("no jobs");
            return ExitCode.Ok;
        });
    }

    private static async Task<List<JobStatus>> ReadAsync(VerbContext verb, JobState? state, int max)
    {
        var jobs = new List<JobStatus>();
        JobId? before = null;
        do
        {
            var query = new JobQuery { State = state, Before = before, Max = Math.Min(1000, max - jobs.Count) };
            JobPage page = await verb.Engine.ListAsync(query, verb.Cancellation);
            jobs.AddRange(page.Jobs);
            before = page.Next;
        }
        while (before is not null && jobs.Count < max);
        return jobs;
    }

    private static void Print(List<JobStatus> jobs)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Report.Table(["JOB", "STATE", "DONE", "FAILED", "SUBMITTED", "NAME"], jobs.Select(job => new[]
        {
            job.Id.ToString(),
            job.Paused && !job.State.IsEnd() ? "Paused" : job.State.ToString(),
            $"{job.Counts.Ended:N0}/{job.Counts.Total:N0}",
            $"{job.Counts.Failed:N0}",
            Times.ShowLocal(job.SubmittedAt, now),
            Printable.Cut(job.Spec.Name, 60),
        }));
    }
}
