using Microsoft.Extensions.Logging;

namespace Granary.Cli;

/// <summary>Shows the engine's warnings and errors on standard error.</summary>
internal sealed class ErrorLog(StandardError error) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("There is one place for messages.");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and < LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        string text = formatter(state, exception);
        error.Say(exception is null ? text : $"{text} ({exception.Message})");
    }

    public void Dispose()
    {
        // Owns nothing.
    }
}
