using System.CommandLine;

namespace Granary.Cli;

/// <summary><c>granary run</c>: submits a job, or goes on with it, and runs it here.</summary>
internal static class RunVerb
{
    public static Command Create(StandardError error)
    {
        var jobFile = new Argument<string?>("JOBFILE")
        {
            Description = "A job file (JSON; see granary schema); - is standard input.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var exec = new Option<string?>("--exec")
        {
            Description = "Run this command for each line, with the line in place of {}; without a shell.", HelpName =
                "CMD",
        };
        var http = new Option<string?>("--http")
        {
            Description = "GET this URL for each line, with the line in place of {}.", HelpName = "URL",
        };
        var task = new Option<string?>("--task")
        {
            Description = "Call this handler for each line; the line is its arguments, as JSON.", HelpName = "NAME",
        };
        var arguments = new Option<string?>("--args")
        {
            Description = "With --task: the arguments, as JSON; {} in its texts is the line.", HelpName = "JSON",
        };
        var from = new Option<string?>("--from") { Description = "The lines; - is standard input.", HelpName = "FILE" };
        var shell =
            new Option<bool>("--shell") { Description =
            "Let /bin/sh run the --exec command; {} is passed as a parameter." };
        Option<int?> concurrency = Options.Whole(
            "--concurrency", 1, JobDefaults.MaxConcurrencyLimit,
                $"Tasks at once. Default {JobDefaults.MaxConcurrency}.", "-c");
        Option<int?> retries = Options.Whole("--retries", 0, 10_000, "More attempts after a failed one. Default 0.");
        Option<TimeSpan?> timeout =
            Options.Duration("--timeout", "The longest an attempt may run, such as 30s. Default: no limit.");
        var failFast =
            new Option<bool>("--fail-fast") { Description = "At the first failure, cancel what has not started." };
        var key = new Option<string?>("--key")
        {
            Description =
                "The run's own name: the same goes on, a new one runs anew. Default: made of the work.", HelpName =
                "KEY",
        };
        var output =
            new Option<string?>("--out") { Description = "Append outcomes to this file, each once.", HelpName =
            "FILE" };
        var ordered =
            new Option<bool>("--ordered") { Description = "Outcomes in submission order. Default: as they complete." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Say nothing on standard error but errors." };
        Option<string?> database = Options.Database();
        var command = new Command("run",
            "Runs a job and prints each outcome as a line of JSON. The same command again goes on where it stopped.")
        {
            jobFile, concurrency, exec, http, task, arguments, from, shell, database, key, output, ordered, failFast,
                retries,
            timeout, quiet,
        };
        command.SetAction(async parsed => (int)await new Run(new RunOptions
        {
            JobFile = parsed.GetValue(jobFile),
            Exec = parsed.GetValue(exec),
            Http = parsed.GetValue(http),
            Task = parsed.GetValue(task),
            Args = parsed.GetValue(arguments),
            From = parsed.GetValue(from),
            Shell = parsed.GetValue(shell),
            Concurrency = parsed.GetValue(concurrency),
            Retries = parsed.GetValue(retries),
            Timeout = parsed.GetValue(timeout),
            FailFast = parsed.GetValue(failFast),
            Key = parsed.GetValue(key),
            Out = parsed.GetValue(output),
            Ordered = parsed.GetValue(ordered),
            Quiet = parsed.GetValue(quiet),
            Database = Database.Resolve(parsed.GetValue(database)),
        }, error).RunAsync());
        return command;
    }
}
