using System.CommandLine;
using System.Globalization;
using Granary.Engines;

namespace Granary.Cli;

/// <summary>Verbs that change a job: they record the command, and whoever runs the database next obeys it.</summary>
internal static class SteeringVerbs
{
    public static Command Cancel(StandardError error)
    {
        var pending =
            new Option<bool>("--pending") { Description = "Only what has not started; what runs may finish." };
        return Create("cancel", "Cancels a job.", error, [pending], async (verb, job) =>
        {
            CancelScope scope = verb.Parsed.GetValue(pending) ? CancelScope.Pending : CancelScope.All;
            await verb.Engine.CancelAsync(job, scope, verb.Cancellation);
            return scope == CancelScope.Pending ? "what had not started is canceled" : "canceled";
        });
    }

    public static Command Resize(StandardError error)
    {
        var size = new Argument<int?>("N")
        {
            Description = "Tasks at once.",
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result => Options.ReadWhole(result, "N", 1, JobDefaults.MaxConcurrencyLimit),
        };
        return Create("resize", "Changes the pool of a batch.", error, [size], async (verb, job) =>
        {
            int value = verb.Parsed.GetValue(size)!.Value;
            await verb.Engine.ResizeAsync(job, value, verb.Cancellation);
            return string.Create(CultureInfo.InvariantCulture, $"{value:N0} at once");
        });
    }

    public static Command Pause(StandardError error) =>
        Create("pause", "Lets a job start nothing new until it is resumed.", error, [], async (verb, job) =>
        {
            await verb.Engine.PauseAsync(job, verb.Cancellation);
            return "paused";
        });

    public static Command Resume(StandardError error) =>
        Create("resume", "Lets a paused job start tasks again.", error, [], async (verb, job) =>
        {
            await verb.Engine.ResumeAsync(job, verb.Cancellation);
            return "resumed; granary work runs it";
        });

    private static Command Create(
        string name, string description, StandardError error, Symbol[] more, Func<VerbContext, JobId, Task<string>> act)
    {
        Argument<string> jobName = Options.Job();
        Option<bool> json = Options.Json("the job as an object");
        var command = new Command(name, description) { jobName };
        foreach (Symbol symbol in more)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }
        command.Options.Add(json);
        return Verb.Steering(command, error, async verb =>
        {
            JobId job = await JobNames.FindAsync(verb.Engine, verb.Parsed.GetRequiredValue(jobName), verb.Cancellation);
            string done = await act(verb, job);
            JobStatus status = await verb.Engine.GetStatusAsync(job, verb.Cancellation);
            if (verb.Parsed.GetValue(json)) Report.Line(status, StatusJson.Write);
            else Console.Out.WriteLine($"job {job}: {done}");
            return ExitCode.Ok;
        });
    }
}
