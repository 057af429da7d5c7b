using System.CommandLine;
using Granary.Engines;

namespace Granary.Cli;

/// <summary>What a verb works with once its database is open.</summary>
internal sealed record VerbContext(ParseResult Parsed, Database Database, StandardError Error,
    CancellationToken Cancellation)
{
    public IJobEngine Engine => Database.Engine;

    /// <summary>The job that the command line names.</summary>
    public async Task<JobStatus> JobAsync(string text) =>
        await Engine.GetStatusAsync(await JobNames.FindAsync(Engine, text, Cancellation), Cancellation);

    /// <summary>Says so when a job that has not ended would be waited for in vain.</summary>
    public async Task WarnIfIdleAsync(JobStatus job)
    {
        if (!job.State.IsEnd() && !await Database.IsInUseAsync(Cancellation))
            Error.Say($"nobody runs {Database.Name} at the moment; granary work does");
    }
}

/// <summary>Makes the commands of verbs: each adds the database option, opens it, and ends at an interrupt.</summary>
internal static class Verb
{
    /// <summary>A verb that reads, also while another process owns the database.</summary>
    public static Command Reading(Command command, StandardError error, Func<VerbContext, Task<ExitCode>> run) =>
        With(command, error, (path, cancellation) => Database.ReadAsync(path, error, cancellation), run);

    /// <summary>A verb that changes jobs and runs nothing.</summary>
    public static Command Steering(Command command, StandardError error, Func<VerbContext, Task<ExitCode>> run) =>
        With(command, error, (path, cancellation) => Database.SteerAsync(path, error, cancellation), run);

    private static Command With(
        Command command, StandardError error, Func<string, CancellationToken, Task<Database>> open, Func<VerbContext,
            Task<ExitCode>> run)
    {
        Option<string?> path = Options.Database();
        command.Options.Add(path);
        command.SetAction(async parsed =>
        {
            using var interrupts = new Interrupts();
            interrupts.LeaveToCaller();
            await using Database database = await open(Database.Resolve(parsed.GetValue(path)), interrupts.Gently);
            return (int)await run(new VerbContext(parsed, database, error, interrupts.Gently));
        });
        return command;
    }
}

/// <summary>Finds jobs by what people call them.</summary>
internal static class JobNames
{
    /// <summary>The job with this key or id, or the newest for <c>last</c>.</summary>
    public static async Task<JobId> FindAsync(IJobEngine engine, string text, CancellationToken cancellation)
    {
        if (text == "last")
        {
            JobPage page = await engine.ListAsync(new JobQuery { Max = 1 }, cancellation);
            return page.Jobs is [{ } newest, ..] ? newest.Id : throw CliException.BadInput("there are no jobs yet");
        }
        if (await engine.FindAsync(text, cancellation) is { } job) return job;
        if (JobId.TryParse(text, out JobId id)) return id;
        throw CliException.BadInput($"there is no job {JsonSource.Quote(text)}",
            "Give a job's id or key, or last; see granary ls.");
    }
}
