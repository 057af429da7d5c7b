using System.CommandLine;

namespace Granary.Cli;

/// <summary><c>granary run</c>: submits a job, or goes on with it, and runs it here.</summary>
internal sealed class RunVerb
{
    private readonly Argument<string?> _jobFile = new("JOBFILE")
    {
        Description = "A job file (JSON; see granary schema); - is standard input.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int?> _concurrency = Options.Whole(
        "--concurrency", 1, JobDefaults.MaxConcurrencyLimit, "Tasks at once. Default 2.", "-c");

    private readonly Option<string?> _exec = Text(
        "--exec", "CMD", "Run this command for each line, with the line in place of {}; without a shell.");

    private readonly Option<string?> _http = Text(
        "--http", "URL", "GET this URL for each line, with the line in place of {}.");

    private readonly Option<string?> _task = Text(
        "--task", "NAME", "Call this handler for each line; the line is its arguments, as JSON.");

    private readonly Option<string?> _args = Text(
        "--args", "JSON", "With --task: the arguments, as JSON; {} in its texts is the line.");

    private readonly Option<string?> _from = Text("--from", "FILE", "The lines; - is standard input.");

    private readonly Option<bool> _shell = Flag(
        "--shell", "Let /bin/sh run the --exec command; {} is passed as a parameter.");

    private readonly Option<string?> _database = Options.Database();

    private readonly Option<string?> _key = Text(
        "--key", "KEY", "The run's own name: the same goes on, a new one runs anew. Default: made of the work.");

    private readonly Option<string?> _out = Text("--out", "FILE", "Append outcomes to this file, each once.");

    private readonly Option<bool> _ordered = Flag(
        "--ordered", "Outcomes in submission order. Default: as they complete.");

    private readonly Option<bool> _failFast = Flag(
        "--fail-fast", "At the first failure, cancel what has not started.");

    private readonly Option<int?> _retries = Options.Whole(
        "--retries", 0, 10_000, "More attempts after a failed one. Default 0.");

    private readonly Option<TimeSpan?> _timeout = Options.Duration(
        "--timeout", "The longest an attempt may run, such as 30s. Default: no limit.");

    private readonly Option<bool> _quiet = Flag("--quiet", "Say nothing on standard error but errors.", "-q");

    public static Command Create(StandardError error)
    {
        var verb = new RunVerb();
        var command = new Command("run",
            "Runs a job and prints each outcome as a line of JSON. The same command again goes on where it stopped.")
        {
            verb._jobFile, verb._concurrency, verb._exec, verb._http, verb._task, verb._args, verb._from, verb._shell,
            verb._database, verb._key, verb._out, verb._ordered, verb._failFast, verb._retries, verb._timeout,
            verb._quiet,
        };
        command.SetAction(async parsed => (int)await new Run(verb.Read(parsed), error).RunAsync());
        return command;
    }

    private RunOptions Read(ParseResult parsed) => new()
    {
        JobFile = parsed.GetValue(_jobFile),
        Concurrency = parsed.GetValue(_concurrency),
        Exec = parsed.GetValue(_exec),
        Http = parsed.GetValue(_http),
        Task = parsed.GetValue(_task),
        Args = parsed.GetValue(_args),
        From = parsed.GetValue(_from),
        Shell = parsed.GetValue(_shell),
        Database = Database.Resolve(parsed.GetValue(_database)),
        Key = parsed.GetValue(_key),
        Out = parsed.GetValue(_out),
        Ordered = parsed.GetValue(_ordered),
        FailFast = parsed.GetValue(_failFast),
        Retries = parsed.GetValue(_retries),
        Timeout = parsed.GetValue(_timeout),
        Quiet = parsed.GetValue(_quiet),
    };

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };

    private static Option<bool> Flag(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description };
}
