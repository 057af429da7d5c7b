using Spectre.Console;

namespace Granary.Cli;

/// <summary>
/// Standard error: messages as plain lines, and on a terminal one live line below them. What cannot be written, as when
/// the terminal has gone, is left out: no job ends for a message.
/// </summary>
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
        using (Aside()) Write($"granary: {Printable.Escape(message)}\n");
    }

    /// <summary>An error, and how to mend it.</summary>
    public void Complain(string message, string hint)
    {
        using IDisposable aside = Aside();
        Write(Printable.Escape(message) + "\n");
        if (hint.Length > 0) Write($"  hint: {hint}\n");
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
        if (_live.Length > 0) Write(EraseLine);
        return new Back(this);
    }

    private void Draw()
    {
        Write(EraseLine);
        if (_live.Length > 0) Try(() => _console.Value.Markup(_live));
    }

    private static void Write(string text) => Try(() => Console.Error.Write(text));

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
            // There is nowhere to say so.
        }
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
