namespace Granary.Grains.Tests.Storage;

/// <summary>What the ADO.NET provider asks of a database, with a primary key: a first write of what exists is then a
/// conflict, also where two come at once.</summary>
internal static class AdoNetScript
{
    private const string Same = """
        service = @ServiceId AND type = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
        AND extension = coalesce(@GrainIdExtensionString, '')
        """;

    private const string Version = "CAST(@GrainStateVersion AS integer)";

    private const string Write = $"""
        WITH updated AS (
            UPDATE states SET payload = @PayloadBinary, version = version + 1
            WHERE {Same} AND version = {Version} RETURNING version),
        inserted AS (
            INSERT INTO states (service, type, n0, n1, extension, payload, version)
            SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''),
                @PayloadBinary, 1
            WHERE {Version} IS NULL ON CONFLICT DO NOTHING RETURNING version),
        written AS (SELECT version FROM updated UNION ALL SELECT version FROM inserted)
        SELECT version AS NewGrainStateVersion FROM written
        UNION ALL SELECT {Version} WHERE NOT EXISTS (SELECT 1 FROM written)
        """;

    private const string Read = $"SELECT payload AS PayloadBinary, version AS Version FROM states WHERE {Same}";

    private const string Clear = $"""
        UPDATE states SET payload = NULL, version = version + 1 WHERE {Same} AND version = {Version}
        RETURNING version AS NewGrainStateVersion
        """;

    private const string Delete = $"""
        DELETE FROM states WHERE {Same} AND version = {Version} RETURNING version + 1 AS NewGrainStateVersion
        """;

    public static string Of(string schema) => $"""
        CREATE SCHEMA {schema};
        SET search_path = {schema};
        CREATE TABLE states (
            service text, type text, n0 bigint, n1 bigint, extension text, payload bytea, version integer NOT NULL,
            PRIMARY KEY (service, type, n0, n1, extension));
        CREATE TABLE OrleansQuery (QueryKey text PRIMARY KEY, QueryText text NOT NULL);
        INSERT INTO OrleansQuery VALUES
            ('WriteToStorageKey', $${Write}$$), ('ReadFromStorageKey', $${Read}$$),
            ('ClearStorageKey', $${Clear}$$), ('DeleteStorageKey', $${Delete}$$);
        """;
}
