using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>Backup and check, on connections of their own.</summary>
internal static class SqliteCare
{
    private const int PagesPerStep = 1_024;

    /// <summary>Copies the store to a new file.</summary>
    public static void Backup(string path, string destination, CancellationToken cancellation)
    {
        if (File.Exists(destination))
            throw new IOException($"'{destination}' exists already. Name another file, or remove it first.");

        // Copied under another name first: what bears the destination's name is always whole.
        string partial = destination + "-partial";
        File.Delete(partial);
        FileOwner.CreateIfMissing(partial);
        try
        {
            using (Connection source = SqliteOpening.Reader(path))
            using (Connection target = Connection.OpenWriter(partial))
            {
                // One snapshot for the whole copy, or every commit meanwhile would start it over.
                source.Execute("BEGIN; SELECT count(*) FROM owner");
                source.CopyTo(target, PagesPerStep, cancellation);
            }
            File.Move(partial, destination, overwrite: false);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Looks for damage.</summary>
    public static List<string> Check(string path)
    {
        try
        {
            using Connection connection = SqliteOpening.Reader(path);
            List<string> problems = connection.Prepare("PRAGMA integrity_check").All(static row => row.Text(0));
            problems.Remove("ok");
            problems.AddRange(Gaps(connection, "pages"));
            problems.AddRange(Gaps(connection, "records"));
            return problems;
        }
        catch (StoreException error) when (error.Fault == StoreFault.Corrupt)
        {
            return [error.Message];
        }
    }

    // A staged job may be on its way in or out, with any number of rows.
    private static IEnumerable<string> Gaps(Connection connection, string table)
    {
        List<string> jobs = connection.Prepare($"""
            SELECT id, {table}, count(number), coalesce(max(number) + 1, 0) FROM jobs LEFT JOIN {table} ON job = id
            WHERE phase <> 1 GROUP BY id HAVING count(number) <> {table} OR coalesce(max(number) + 1, 0) <> {table}
            """).All(static row => $"job {new JobId(row.Int64(0))} should have {row.Int64(1)}, has {row.Int64(2)}");
        List<string> strays = connection.Prepare($"""
            SELECT DISTINCT job FROM {table} WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = job)
            """).All(static row => $"some belong to job {new JobId(row.Int64(0))}, which does not exist");
        return jobs.Concat(strays).Select(problem => $"{table}: {problem}");
    }
}
