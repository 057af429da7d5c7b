namespace Granary.Cli;

/// <summary>Ends the command with one message for a person, and how to mend it.</summary>
internal sealed class CliException(ExitCode code, string message, string hint = "") : Exception(message)
{
    public ExitCode Code { get; } = code;

    public string Hint { get; } = hint;

    /// <summary>Whether the message begins with a place in a file, and so needs no other subject.</summary>
    public bool HasPlace { get; private init; }

    public static CliException BadInput(string message, string hint = "") => new(ExitCode.BadInput, message, hint);

    /// <summary>A fault at one place of a text file: <c>file:line:column: message</c>.</summary>
    public static CliException At(string file, TextPosition position, string message, string hint = "") =>
        new(ExitCode.BadInput, $"{file}:{position.Line}:{position.Column}: {message}", hint) { HasPlace = true };
}
