using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>The tables, and how a file is known to hold them.</summary>
internal static class Schema
{
    /// <summary>Marks a SQLite file as Granary's: "Grny".</summary>
    public const int ApplicationId = 0x47726E79;

    // Each script raises the version by one; a file is of the version of the last script that ran on it.
    private static readonly string[] Migrations =
    [
        // pages and records in a job's row count what it has, so a write out of turn is refused and a lost row is
        // found. A job that is being removed is staged again, but keeps its time in expires. Null args and values do
        // not occur.
        """
        CREATE TABLE jobs (
          id INTEGER PRIMARY KEY,
          epoch INTEGER NOT NULL,
          phase INTEGER NOT NULL,
          state INTEGER NOT NULL,
          pages INTEGER NOT NULL,
          records INTEGER NOT NULL,
          expires INTEGER,
          key TEXT,
          header BLOB NOT NULL,
          summary BLOB NOT NULL);
        CREATE UNIQUE INDEX jobs_by_key ON jobs (key) WHERE key IS NOT NULL;
        CREATE INDEX jobs_by_state ON jobs (state) WHERE phase <> 1;
        CREATE INDEX jobs_unfinished ON jobs (phase) WHERE phase < 3;
        CREATE INDEX jobs_by_expiry ON jobs (expires) WHERE expires IS NOT NULL;
        CREATE TABLE pages (
          job INTEGER NOT NULL,
          number INTEGER NOT NULL,
          shape BLOB NOT NULL,
          args BLOB NOT NULL,
          PRIMARY KEY (job, number)) WITHOUT ROWID;
        CREATE TABLE records (
          job INTEGER NOT NULL,
          number INTEGER NOT NULL,
          events BLOB NOT NULL,
          vals BLOB NOT NULL,
          PRIMARY KEY (job, number)) WITHOUT ROWID;
        CREATE TABLE owner (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          pid INTEGER NOT NULL,
          program TEXT NOT NULL,
          machine TEXT NOT NULL,
          since INTEGER NOT NULL);
        """,
        // Only where somebody waits for it: a row without a due time is not in the index.
        """
        ALTER TABLE jobs ADD COLUMN due INTEGER;
        CREATE INDEX jobs_by_due ON jobs (due) WHERE phase = 2 AND due IS NOT NULL;
        """,
    ];

    /// <summary>The version this program writes.</summary>
    public static int Version => Migrations.Length;

    /// <summary>Makes the tables in an empty file, or brings an older file up to date.</summary>
    /// <exception cref="StoreException">The file is newer, or something else.</exception>
    public static void Migrate(Connection connection)
    {
        if (Read(connection) == Version) return;
        string scripts = string.Concat(Migrations.Skip(Read(connection)));
        connection.Execute($"""
            BEGIN IMMEDIATE;
            {scripts}
            PRAGMA application_id = {ApplicationId};
            PRAGMA user_version = {Version};
            COMMIT
            """);
    }

    /// <summary>Refuses a file that cannot be read as it is.</summary>
    /// <exception cref="StoreException">The file is newer, older, or something else.</exception>
    public static void Assert(Connection connection)
    {
        int version = Read(connection);
        if (version == 0) throw SqliteFaults.NotAStore(connection.Path);
        if (version < Version)
        {
            throw new StoreException(StoreFault.ReadOnly, $"'{connection.Path}' is of version {version}, and this " +
                $"Granary reads version {Version}. Open it once for writing; that brings it up to date.");
        }
    }

    // 0 for an empty file.
    private static int Read(Connection connection)
    {
        long id = connection.QueryInt64("PRAGMA application_id");
        long version = connection.QueryInt64("PRAGMA user_version");
        long tables = connection.QueryInt64("SELECT count(*) FROM sqlite_master");
        bool empty = id == 0 && version == 0 && tables == 0;
        if (!empty && (id != ApplicationId || version < 1)) throw SqliteFaults.NotAStore(connection.Path);
        if (version > Version)
        {
            throw new StoreException(StoreFault.Newer, $"'{connection.Path}' was written by a newer Granary (version " +
                $"{version} of the file; this one knows up to {Version}). Use that one; nothing was changed.");
        }
        return (int)version;
    }
}
