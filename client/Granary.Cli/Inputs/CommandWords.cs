using System.Text;

namespace Granary.Cli;

/// <summary>Splits a command into words, and fits input lines into shell scripts without their text ever being
/// script.</summary>
internal static class CommandWords
{
    private static readonly string[] s_shellWords = ["|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "2>&1"];

    /// <summary>Words are parted by white space; single quotes keep everything, double quotes keep white space, and a
    /// backslash keeps a quote, a space or a backslash.</summary>
    public static string[] Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool inWord = false;
        char quote = '\0';
        for (int i = 0; i < command.Length; i++)
        {
            char c = command[i];
            bool escapes =
                c == '\\' && quote != '\'' && i + 1 < command.Length && command[i + 1] is '\\' or '"' or '\'' or ' ';
            if (escapes && c == '\\') (c, inWord) = (command[++i], true);
            else if (quote == '\0' && c is '"' or '\'' && quote == '\0') { (quote, inWord) = (c, true); continue; }
            else if (quote != '\0' && c == quote) { quote = '\0'; continue; }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (inWord) words.Add(word.ToString());
                word.Clear();
                inWord = false;
                continue;
            }
            word.Append(c);
            inWord = true;
        }
        if (quote != '\0')
            throw CliException.BadInput($"--exec: the quote {quote} is not closed", "Close it, or escape it with \\.");
        if (inWord) words.Add(word.ToString());
        if (words.Count == 0) throw CliException.BadInput("--exec is empty", "For example --exec 'sha256sum {}'.");
        return [.. words];
    }

    /// <summary>A word that only a shell understands, or null.</summary>
    public static string? ShellWord(string[] words) => words.Skip(1).FirstOrDefault(s_shellWords.Contains);

    /// <summary>The script with each <c>{}</c> as the shell's first parameter, quoted as its place in the script
    /// needs.</summary>
    public static string ShellScript(string command)
    {
        var script = new StringBuilder();
        char quote = '\0';
        for (int i = 0; i < command.Length; i++)
        {
            char c = command[i];
            if (c == '{' && i + 1 < command.Length && command[i + 1] == '}')
            {
                script.Append(quote switch { '"' => "${1}", '\'' => "'\"${1}\"'", _ => "\"${1}\"" });
                i++;
                continue;
            }
            if (c == '\\' && quote != '\'' && i + 1 < command.Length)
            {
                script.Append(c).Append(command[++i]);
                continue;
            }
            if (c is '"' or '\'') quote = quote == '\0' ? c : quote == c ? '\0' : quote;
            script.Append(c);
        }
        return script.ToString();
    }
}
