using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Granary.Cli;

/// <summary>Options and arguments that several verbs have.</summary>
internal static class Options
{
    public static Option<string?> Database() => new("--db")
    {
        Description = "The database: a file, or postgres://USER@HOST/DATABASE. Default: $GRANARY_DB, or granary.db " +
            "in the current directory.",
        HelpName = "PATH",
    };

    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON." };

    public static Argument<string> Job() => new("JOB") { Description = "A job's id, its key, or the word last." };

    /// <summary>A whole number in a range; the message names the option.</summary>
    public static Option<int?> Whole(
        string name, int min, int max, string description, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => ReadWhole(result, name, min, max),
    };

    /// <summary>A duration.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "T",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Durations.TryParse(text, out TimeSpan value, out string problem) && value > TimeSpan.Zero) return value;
            if (problem.Length == 0) problem = "is not longer than zero";
            result.AddError($"{name}: {JsonSource.Quote(text)} {problem}. {DurationText.Grammar}");
            return null;
        },
    };

    public static int? ReadWhole(ArgumentResult result, string name, int min, int max)
    {
        string text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= min && value <= max) return value;
        result.AddError(string.Create(CultureInfo.InvariantCulture,
            $"{name} must be a whole number from {min:N0} to {max:N0}, is {JsonSource.Quote(text)}"));
        return null;
    }
}
