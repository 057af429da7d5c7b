using Granary.Stores;
using Microsoft.Extensions.Logging;

namespace Granary.Postgres;

public sealed partial class PostgresJobStore
{
    [LoggerMessage(2, LogLevel.Debug, "Opened {Place} (for reading only: {ReadOnly}).")]
    private static partial void LogOpened(ILogger logger, Place place, bool readOnly);

    [LoggerMessage(3, LogLevel.Information, "Connected to {Place} again.")]
    private static partial void LogConnectedAgain(ILogger logger, Place place);

    [LoggerMessage(4, LogLevel.Critical, "Nothing more is written to {Place} until it is opened again.")]
    private static partial void LogFault(ILogger logger, Place place, StoreException fault);
}
