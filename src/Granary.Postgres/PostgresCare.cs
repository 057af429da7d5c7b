namespace Granary.Postgres;

/// <summary>Looks for damage.</summary>
internal static class PostgresCare
{
    /// <summary>One row for each problem: the job, and the rest of the sentence.</summary>
    // A staged job may be one that is being removed, which has lost some of its rows.
    public const string Check = """
        WITH page AS (SELECT job, count(*) AS rows, max(number) AS last FROM {s}.pages GROUP BY job),
        record AS (SELECT job, count(*) AS rows, max(number) AS last FROM {s}.records GROUP BY job)
        SELECT j.id, 'has ' || coalesce(p.rows, 0) || ' of ' || j.pages || ' pages.'
        FROM {s}.jobs j LEFT JOIN page p ON p.job = j.id
        WHERE j.phase <> 1 AND (coalesce(p.rows, 0) <> j.pages OR coalesce(p.last, -1) <> j.pages - 1)
        UNION ALL
        SELECT j.id, 'has ' || coalesce(r.rows, 0) || ' of ' || j.records || ' records.'
        FROM {s}.jobs j LEFT JOIN record r ON r.job = j.id
        WHERE j.phase <> 1 AND (coalesce(r.rows, 0) <> j.records OR coalesce(r.last, -1) <> j.records - 1)
        UNION ALL
        SELECT rows.job, 'is gone, and pages or records of it are left.'
        FROM (SELECT job FROM page UNION SELECT job FROM record) AS rows
        WHERE NOT EXISTS (SELECT FROM {s}.jobs j WHERE j.id = rows.job)
        """;
}
