using Spectre.Console;

namespace Granary.Cli;

/// <summary>Standard error: messages as plain lines, and on a terminal one live line below them.</summary>
internal sealed class StandardError
{
    private const string EraseLine = "\r\u001b[2K";
    private readonly Lock _gate = new();
    private readonly Lazy<IAnsiConsole> _console = new(static () => AnsiConsole.Create(
        new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));
    private string _live = "";

    /// <summary>Whether a live line can be shown.</summary>
    public bool IsTerminal { get; } =
        !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    /// <summary>Columns of the terminal; 80 when unknown.</summary>
    public int Width => IsTerminal && _console.Value.Profile.Width is > 20 and int width ? width : 80;

    /// <summary>One message.</summary>
    public void Say(string message)
    {
        using (Aside()) Console.Error.WriteLine($"granary: {Printable.Escape(message)}");
    }

    /// <summary>An error, and how to mend it.</summary>
    public void Complain(string message, string hint)
    {
        using IDisposable aside = Aside();
        Console.Error.WriteLine(Printable.Escape(message));
        if (hint.Length > 0) Console.Error.WriteLine($"  hint: {hint}");
    }

    /// <summary>Replaces the live line with Spectre markup; empty removes it.</summary>
    public void Live(string markup)
    {
        lock (_gate)
        {
            _live = markup;
            Draw();
        }
    }

    /// <summary>Takes the live line away until it is disposed.</summary>
    public IDisposable Aside()
    {
        _gate.Enter();
        if (_live.Length > 0) Console.Error.Write(EraseLine);
        return new Back(this);
    }

    private void Draw()
    {
        Console.Error.Write(EraseLine);
        if (_live.Length > 0) _console.Value.Markup(_live);
    }

    private sealed class Back(StandardError owner) : IDisposable
    {
        public void Dispose()
        {
            if (owner._live.Length > 0) owner.Draw();
            owner._gate.Exit();
        }
    }
}
