using System.CommandLine;
using System.CommandLine.Parsing;

namespace Granary.Cli;

/// <summary>The command line: a root and a verb for each thing it does.</summary>
internal static class CommandLine
{
    private static readonly (string Name, Func<StandardError, Command> Create)[] s_verbs =
    [
        ("run", RunVerb.Create),
        ("work", WorkVerb.Create),
        ("ls", ListVerb.Create),
        ("show", ShowVerb.Create),
        ("watch", WatchVerb.Create),
        ("results", ResultsVerb.Create),
        ("wait", WaitVerb.Create),
        ("pending", PendingVerb.Create),
        ("timeline", TimelineVerb.Create),
        ("cancel", SteeringVerbs.Cancel),
        ("resize", SteeringVerbs.Resize),
        ("pause", SteeringVerbs.Pause),
        ("resume", SteeringVerbs.Resume),
        ("retry", RetryVerb.Create),
        ("verify", VerifyVerb.Create),
        ("backup", BackupVerb.Create),
        ("schema", SchemaVerb.Create),
    ];

    /// <summary>Every verb's command.</summary>
    public static IEnumerable<Command> All(StandardError error) => s_verbs.Select(verb => verb.Create(error));

    public static ParseResult Parse(string[] args, StandardError error)
    {
        var root =
            new RootCommand("Runs tasks in batches and chains that survive crashes. Start with: granary run --help");
        // Only the verb that is called is built: the others would cost time at each start.
        int called = args.Length == 0 ? -1 : Array.FindIndex(s_verbs, verb => verb.Name == args[0]);
        if (called >= 0) root.Subcommands.Add(s_verbs[called].Create(error));
        else foreach (Command verb in All(error)) root.Subcommands.Add(verb);
        // Without it, an argument that begins with @ would be taken for a file of arguments.
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    /// <summary>An option that does not exist, and so was taken for an argument.</summary>
    public static string? MistypedOption(ParseResult parsed) => parsed.CommandResult.Children
        .OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
        .FirstOrDefault(text => text.Length > 1 && text[0] == '-' && !char.IsAsciiDigit(text[1]));

    /// <summary>The first thing that is wrong with the command line.</summary>
    public static CliException Fault(ParseResult parsed)
    {
        string verb =
            parsed.CommandResult.Command is RootCommand ? "granary" : $"granary {parsed.CommandResult.Command.Name}";
        string? unknown =
            MistypedOption(parsed) ?? (parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null);
        if (unknown is null)
        {
            // The library's messages may be lists of several lines.
            string message =
                string.Join(' ', parsed.Errors[0]
                .Message.Split((char[])['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries));
            return CliException.BadInput(message, $"See {verb} --help.");
        }
        IEnumerable<string> known = unknown.StartsWith('-')
            ? parsed.CommandResult.Command.Options.SelectMany(option => option.Aliases.Append(option.Name))
            : parsed.CommandResult.Command.Subcommands.Select(command => command.Name);
        string kind =
            unknown.StartsWith('-') ? "option" : parsed.CommandResult.Command is RootCommand ? "verb" : "argument";
        return CliException.BadInput($"unknown {kind} {JsonSource.Quote(unknown)}",
            Nearest.Find(unknown, known) is { } near ? $"Did you mean {near}? See {verb} --help."
                : $"See {verb} --help.");
    }
}
