using Npgsql;

namespace Granary.Grains.Faults.Clusters;

/// <summary>
/// The tables by which silos find each other, and the statements that Orleans' provider runs on them. It looks the
/// statements up by name, and gives and reads parameters and columns by name.
/// </summary>
internal static class ClusteringTables
{
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS orleansquery (querykey text PRIMARY KEY, querytext text NOT NULL);
        CREATE TABLE IF NOT EXISTS clusters (id text PRIMARY KEY, version int NOT NULL);
        CREATE TABLE IF NOT EXISTS silos (
          cluster text REFERENCES clusters, address text, port int, generation int, siloname text, hostname text,
          status int, proxyport int, suspecttimes text, starttime timestamptz, iamalivetime timestamptz,
          PRIMARY KEY (cluster, address, port, generation));
        """;

    private const string ThisSilo =
        "s.cluster = @DeploymentId AND s.address = @Address AND s.port = @Port AND s.generation = @Generation";

    private const string Columns =
        "c.id AS deploymentid, s.address, s.port, s.generation, s.siloname, s.hostname, s.status, s.proxyport, "
        + "s.suspecttimes, s.starttime, s.iamalivetime, c.version";

    // One statement: the row changes together with the version, or neither does.
    private const string NextVersion =
        "WITH c AS (UPDATE clusters SET version = version + 1 WHERE id = @DeploymentId AND version = @Version "
        + "RETURNING id)";

    private static readonly Dictionary<string, string> s_queries = new()
    {
        ["InsertMembershipVersionKey"] =
            "WITH i AS (INSERT INTO clusters VALUES (@DeploymentId, 0) ON CONFLICT DO NOTHING RETURNING 1) "
            + "SELECT count(*)::int FROM i",
        ["InsertMembershipKey"] =
            $"{NextVersion}, i AS (INSERT INTO silos SELECT id, @Address, @Port, @Generation, @SiloName, @HostName, "
            + "@Status, @ProxyPort, NULL, @StartTime, @IAmAliveTime FROM c RETURNING 1) SELECT count(*)::int FROM i",
        ["UpdateMembershipKey"] =
            $"{NextVersion}, u AS (UPDATE silos s SET status = @Status, suspecttimes = @SuspectTimes, "
            + $"iamalivetime = @IAmAliveTime FROM c WHERE {ThisSilo} RETURNING 1) SELECT count(*)::int FROM u",
        ["UpdateIAmAlivetimeKey"] = $"UPDATE silos s SET iamalivetime = @IAmAliveTime WHERE {ThisSilo}",
        ["MembershipReadRowKey"] =
            $"SELECT {Columns} FROM clusters c LEFT JOIN silos s ON {ThisSilo} WHERE c.id = @DeploymentId",
        ["MembershipReadAllKey"] =
            $"SELECT {Columns} FROM clusters c LEFT JOIN silos s ON s.cluster = c.id WHERE c.id = @DeploymentId",
        ["GatewaysQueryKey"] =
            "SELECT address, proxyport, generation FROM silos WHERE cluster = @DeploymentId AND status = @Status "
            + "AND proxyport > 0",
        ["DeleteMembershipTableEntriesKey"] = "DELETE FROM silos WHERE cluster = @DeploymentId",
        ["CleanupDefunctSiloEntriesKey"] =
            "DELETE FROM silos WHERE cluster = @DeploymentId AND iamalivetime < @IAmAliveTime AND status <> 3",
    };

    public static async Task CreateAsync(string connectionString)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(connectionString);
        await using (NpgsqlCommand tables = source.CreateCommand(Tables)) await tables.ExecuteNonQueryAsync();
        foreach ((string name, string text) in s_queries)
        {
            await using NpgsqlCommand insert =
                source.CreateCommand("INSERT INTO orleansquery VALUES ($1, $2) ON CONFLICT DO NOTHING");
            insert.Parameters.Add(new NpgsqlParameter { Value = name });
            insert.Parameters.Add(new NpgsqlParameter { Value = text });
            await insert.ExecuteNonQueryAsync();
        }
    }
}
