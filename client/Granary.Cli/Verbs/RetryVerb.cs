using System.CommandLine;

namespace Granary.Cli;

/// <summary><c>granary retry</c>: lets what failed or was canceled run again, now with <c>--run</c>.</summary>
internal static class RetryVerb
{
    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        var run = new Option<bool>("--run") { Description = "Run it here, and print its new outcomes." };
        Option<string?> path = Options.Database();
        Option<bool> json = Options.Json("the job as an object; with --run each outcome on a line");
        var command =
            new Command("retry", "Runs again what failed or was canceled, and nothing else.") { name, run, path, json };
        command.SetAction(async parsed =>
        {
            using var interrupts = new Interrupts();
            interrupts.LeaveToCaller();
            string file = Database.Resolve(parsed.GetValue(path));
            await using Database database = await Database.SteerAsync(file, error, interrupts.Gently);
            JobId job = await JobNames.FindAsync(database.Engine, parsed.GetRequiredValue(name), interrupts.Gently);
            JobStatus before = await database.Engine.GetStatusAsync(job, interrupts.Gently);
            int count = await database.Engine.RetryFailedAsync(job, interrupts.Gently);
            JobStatus after = await database.Engine.GetStatusAsync(job, interrupts.Gently);
            await database.DisposeAsync();
            if (parsed.GetValue(run)) return (int)await RunAsync(file, before, error, interrupts);
            if (parsed.GetValue(json)) Report.Line(after, StatusJson.Write);
            else Console.Out.WriteLine($"job {job}: {count:N0} items run again; granary work runs them");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static async Task<ExitCode> RunAsync(string file, JobStatus before, StandardError error,
        Interrupts interrupts)
    {
        await using Database database =
            await Database.RunAsync(file, new HandlerRegistry().AddBuiltIns(), error, interrupts.Gently);
        JobStatus job = await database.Engine.GetStatusAsync(before.Id);
        using var session = new RunSession(database, job, new RunOptions { Database = file }, error, interrupts);
        return await session.RunAsync(new OutputCursor(StandardOutput.Open(), before.CompletionCount));
    }
}
