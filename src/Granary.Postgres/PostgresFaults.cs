using System.Net.Sockets;
using Granary.Stores;
using Npgsql;

namespace Granary.Postgres;

/// <summary>What PostgreSQL's errors mean for a store.</summary>
internal static class PostgresFaults
{
    /// <summary>Raised by the store's own function when the server does not have the last commit.</summary>
    private const string LostCommit = "GR001";

    /// <summary>Whether it is an error of the database or of the way there.</summary>
    public static bool IsFault(Exception error) =>
        error is NpgsqlException or IOException or SocketException or TimeoutException;

    /// <summary>Whether the connection was lost, so that asking again over another one may work.</summary>
    public static bool IsConnectionLost(Exception error) => error switch
    {
        PostgresException answer => IsEnding(answer),
        _ => IsFault(error),
    };

    /// <summary>The exception for an error.</summary>
    public static StoreException From(Exception error, Place place)
    {
        if (error is not PostgresException answer)
        {
            return new StoreException(StoreFault.Unavailable, $"PostgreSQL does not answer for {place}: " +
                $"{Innermost(error)} Check that the server runs and can be reached; what waits is then written by " +
                "itself.", error);
        }
        (StoreFault fault, string text) = Explain(answer.SqlState, place);
        return new StoreException(fault, $"{text} (PostgreSQL error {answer.SqlState}: {answer.MessageText})", error);
    }

    /// <summary>The exception for rows that cannot be as they are.</summary>
    public static StoreException Damaged(Place place) => new(StoreFault.Corrupt, DamagedText(place));

    private static (StoreFault Fault, string Text) Explain(string state, Place place) => state switch
    {
        PostgresErrorCodes.DiskFull => (StoreFault.Full,
            $"There is no room left on the server's disk for {place}. Free some: what waits is then written."),
        LostCommit => (StoreFault.Unknown,
            $"The server does not have the last commit that was made to {place}: it was restored from a backup, or a " +
            "standby took over that had not received it. Start again; what the server has goes on."),
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted or PostgresErrorCodes.UniqueViolation =>
            (StoreFault.Corrupt, DamagedText(place)),
        PostgresErrorCodes.InsufficientPrivilege => (StoreFault.ReadOnly, $"{place.Role} lacks a right on {place}. " +
            $"GRANT USAGE ON SCHEMA {place.Schema} TO {place.Role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL " +
            $"TABLES IN SCHEMA {place.Schema} TO {place.Role};"),
        PostgresErrorCodes.ReadOnlySqlTransaction => (StoreFault.Unavailable, $"The server of {place} can only be " +
            "read at the moment: it is a standby, or was set to read only. Connect to the primary (Target Session " +
            "Attributes=primary with several hosts)."),
        PostgresErrorCodes.InvalidCatalogName => (StoreFault.Missing,
            $"There is no database for {place}. Make it with CREATE DATABASE, or check its name."),
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.InvalidSchemaName => (StoreFault.Missing,
            $"Tables are missing in {place}: somebody has dropped them. Restore them from a backup, or start again " +
            "with an empty store."),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            (StoreFault.Missing, $"The server does not let {place.Role} in to {place}. Check the name, the password " +
            "and the server's pg_hba.conf."),
        _ when IsPassing(state) => (StoreFault.Unavailable,
            $"PostgreSQL cannot serve {place} at the moment; what waits is written by itself when it can."),
        _ => (StoreFault.Unknown, $"{place} cannot be used any further until it is opened again."),
    };

    private static string DamagedText(Place place) =>
        $"{place} is damaged. Restore it from a backup; REINDEX mends an index.";

    // Classes of errors after which the same may work later: the connection, a lock or a conflict, the server's
    // resources, an operator, the disk.
    private static bool IsPassing(string state) => state[..2] is "08" or "40" or "53" or "55" or "57" or "58";

    // The server ends the session with these; what it was doing may or may not be done.
    private static bool IsEnding(PostgresException answer) =>
        answer.Severity is "FATAL" or "PANIC" || answer.SqlState.StartsWith("57P", StringComparison.Ordinal)
        || answer.SqlState.StartsWith("08", StringComparison.Ordinal);

    private static string Innermost(Exception error)
    {
        while (error.InnerException is { } inner) error = inner;
        return error.Message.EndsWith('.') ? error.Message : error.Message + ".";
    }
}
