using Spectre.Console;
using System.Text.Json;

namespace Granary.Cli;

/// <summary>What verbs print on standard output: lines of JSON, or tables for people.</summary>
internal static class Report
{
    /// <summary>Lines of JSON.</summary>
    public static LineOutput Lines() => new(StandardOutput.Open());

    /// <summary>One line of JSON.</summary>
    public static void Line<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        using LineOutput output = Lines();
        output.Write(value, write);
    }

    /// <summary>The console of standard output; as wide as it needs where that is no terminal.</summary>
    public static IAnsiConsole Console()
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(System.Console.Out) };
        if (!System.Console.IsOutputRedirected) return AnsiConsole.Create(settings);
        (settings.Ansi, settings.ColorSystem) = (AnsiSupport.No, ColorSystemSupport.NoColors);
        IAnsiConsole console = AnsiConsole.Create(settings);
        console.Profile.Width = 1000;
        return console;
    }

    /// <summary>A table without lines; texts are shown as they are, with control characters escaped.</summary>
    public static void Table(string[] headers, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.None, ShowRowSeparators = false };
        foreach (string header in headers)
            table.AddColumn(new TableColumn(new Text(header)) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        foreach (string[] row in rows)
            table.AddRow(row.Select(cell => new Text(Printable.Escape(cell)) { Overflow = Overflow.Ellipsis }));
        Console().Write(table);
    }

    /// <summary>A state in its color.</summary>
    public static string Color(JobState state) => state switch
    {
        JobState.Succeeded => "green",
        JobState.Failed => "red",
        JobState.Canceled => "grey",
        JobState.Running or JobState.Canceling => "yellow",
        JobState.Scheduled or JobState.Queued or JobState.Waiting => "default",
    };
}
