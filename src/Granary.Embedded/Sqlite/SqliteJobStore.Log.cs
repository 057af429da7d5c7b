using Granary.Stores;
using Microsoft.Extensions.Logging;

namespace Granary.Embedded.Sqlite;

public sealed partial class SqliteJobStore
{
    [LoggerMessage(1, LogLevel.Debug, "Opened {Path} (for reading only: {ReadOnly}).")]
    private static partial void LogOpened(ILogger logger, string path, bool readOnly);

    [LoggerMessage(2, LogLevel.Warning, "{Path} is on a network file system. SQLite's locks and its log need a " +
        "local disk: move it to one, or jobs may be lost.")]
    private static partial void LogNetwork(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Warning, "The log of {Path} could not be emptied into it yet; nothing is lost, and " +
        "it is tried again.")]
    private static partial void LogCheckpoint(ILogger logger, string path, StoreException fault);

    [LoggerMessage(4, LogLevel.Critical, "Nothing more is written to {Path} until it is opened again.")]
    private static partial void LogFault(ILogger logger, string path, StoreException fault);
}
