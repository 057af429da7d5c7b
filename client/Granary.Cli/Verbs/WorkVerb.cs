using System.CommandLine;
using Granary.Engines;

namespace Granary.Cli;

/// <summary><c>granary work</c>: runs what is unfinished in a database until nothing is.</summary>
internal static class WorkVerb
{
    private static readonly JobState[] s_unfinished =
        [JobState.Scheduled, JobState.Queued, JobState.Running, JobState.Waiting, JobState.Canceling];

    public static Command Create(StandardError error)
    {
        Option<string?> path = Options.Database();
        Option<bool> json = Options.Json("each job that has ended as an object on a line");
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Say nothing on standard error but errors." };
        var command =
            new Command("work", "Runs every unfinished job of a database until all have ended.") { path, json, quiet };
        command.SetAction(async parsed =>
        {
            using var interrupts = new Interrupts();
            interrupts.LeaveToCaller();
            string file = Database.Resolve(parsed.GetValue(path));
            Database.RequireFile(file);
            await using Database database = await Database.RunAsync(
                file, new HandlerRegistry().AddBuiltIns(), error, interrupts.Gently);
            var options = new RunOptions { Database = file, Quiet = parsed.GetValue(quiet) };
            return (int)await RunAllAsync(database, options, error, interrupts, parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<ExitCode> RunAllAsync(
        Database database, RunOptions options, StandardError error, Interrupts interrupts, bool json)
    {
        ExitCode worst = ExitCode.Ok;
        while (await OldestAsync(database.Engine) is { } job)
        {
            if (!options.Quiet) error.Say($"job {job.Id}: {ProgressView.Line(job, TimeProvider.System.GetUtcNow())}");
            using var session = new RunSession(database, job, options, error, interrupts);
            ExitCode code = await session.RunAsync(null);
            if (code is not (ExitCode.Ok or ExitCode.SomeFailed)) return code;
            if (code == ExitCode.SomeFailed) worst = code;
            if (json) Report.Line(await database.Engine.GetStatusAsync(job.Id), StatusJson.Write);
        }
        return worst;
    }

    private static async Task<JobStatus?> OldestAsync(IJobEngine engine)
    {
        JobStatus? oldest = null;
        foreach (JobState state in s_unfinished)
        {
            JobPage page = await engine.ListAsync(new JobQuery { State = state, Max = 1000 });
            foreach (JobStatus job in page.Jobs)
                if (!job.Paused && (oldest is null || job.Id < oldest.Id)) oldest = job;
        }
        return oldest;
    }
}
