using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Granary.Postgres;

/// <summary>Which database to open, and how.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>Where the database is: Npgsql's <c>Host=…;Username=…;Database=…</c>, or an address
    /// <c>postgres://user:password@host:port/database?sslmode=require</c>.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>The schema that holds the tables; made if it does not exist. Several stores share a database under
    /// different schemas. An address may name it too, as <c>?schema=…</c>, which then counts. Lower-case letters,
    /// digits and <c>_</c>, at most 63. Default <c>granary</c>.</summary>
    public string Schema { get; init; } = "granary";

    /// <summary>Open it for reading only: nothing is made or brought up to date, and a standby server will do. Default
    /// false.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Make the tables, and bring them up to date after an upgrade. False: refuse to open a store that is not
    /// up to date. Either way the rights to do so are needed only when there is something to do. Default
    /// true.</summary>
    public bool Migrate { get; init; } = true;

    /// <summary>Open a server that may lose acknowledged commits in a power cut (<c>fsync</c> or
    /// <c>full_page_writes</c> off) with a warning instead of refusing it. Default false.</summary>
    public bool AllowUnsafeDurability { get; init; }

    /// <summary>How many connections read at once, beside two for commits; 1 to 1,000. Fewer where the connection
    /// string's <c>Maximum Pool Size</c> leaves fewer. Default 8.</summary>
    public int MaxReaders { get; init; } = 8;

    /// <summary>Changes how connections are made, for example to fetch passwords or to trust a certificate. Default:
    /// nothing.</summary>
    public Action<NpgsqlDataSourceBuilder>? Configure { get; init; }

    /// <summary>Where log messages go. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
