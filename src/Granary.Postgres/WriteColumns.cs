using System.Text;
using Granary.Stores;
using Npgsql;
using NpgsqlTypes;

namespace Granary.Postgres;

/// <summary>A group of writes as the arrays that <c>commit_writes</c> takes. Made once for a session: the parameters
/// keep what Npgsql finds out about them.</summary>
internal sealed class WriteColumns
{
    private readonly NpgsqlParameterCollection _parameters;
    private readonly List<Action> _fills = [];
    private readonly List<JobWrite> _writes = [];
    private readonly List<(int Write, StoredPage Page)> _pages = [];

    /// <summary>Adds the columns to a command's parameters.</summary>
    public WriteColumns(NpgsqlParameterCollection parameters)
    {
        _parameters = parameters;
        Add(NpgsqlDbType.Bigint, static w => w.Job.Value);
        Add(NpgsqlDbType.Bigint, static w => w.Epoch);
        Add(NpgsqlDbType.Smallint, static w => (short)w.Phase);
        Add(NpgsqlDbType.Smallint, static w => (short)w.State);
        Add(NpgsqlDbType.Integer, static w => w.Pages.Count == 0 ? (int?)null : w.Pages[0].Number, HasPages);
        Add(NpgsqlDbType.Integer, static w => w.Pages.Count);
        Add(NpgsqlDbType.Integer, static w => w.Record?.Number, HasRecord);
        Add(NpgsqlDbType.Bigint, static w => Time(w.ExpiresAt), static w => w.ExpiresAt is not null);
        Add(NpgsqlDbType.Bigint, static w => Time(w.DueAt), static w => w.DueAt is not null);
        Add(NpgsqlDbType.Bytea, static w => w.Key is { } key ? KeyBytes(key) : null, static w => w.Key is not null);
        Add(NpgsqlDbType.Bytea, static w => w.Header, static w => w.Header is not null);
        Add(NpgsqlDbType.Bytea, static w => w.Summary);
        Add(NpgsqlDbType.Bytea, static w => w.Record?.Events, HasRecord);
        Add(NpgsqlDbType.Bytea, static w => w.Record?.Values, HasRecord);
        AddOfPages(NpgsqlDbType.Integer, static p => p.Write);
        AddOfPages(NpgsqlDbType.Integer, static p => p.Page.Number);
        AddOfPages(NpgsqlDbType.Bytea, static p => p.Page.Shape);
        AddOfPages(NpgsqlDbType.Bytea, static p => p.Page.Args);
        Fill([], []);
    }

    /// <summary>Sets the parameters to some of the writes, whose numbers follow each other.</summary>
    public void Fill(IReadOnlyList<JobWrite> writes, List<int> chosen)
    {
        _writes.Clear();
        _pages.Clear();
        foreach (int i in chosen)
        {
            _writes.Add(writes[i]);
            foreach (StoredPage page in writes[i].Pages) _pages.Add((_writes.Count, page));
        }
        foreach (Action fill in _fills) fill();
    }

    /// <summary>A key as it is stored.</summary>
    public static byte[] KeyBytes(string key) => Encoding.UTF8.GetBytes(key);

    /// <summary>The call, for a schema.</summary>
    public static string Sql(Place place) =>
        $"SELECT {place.Quoted}.commit_writes({string.Join(", ", Enumerable.Range(1, 20).Select(n => $"${n}"))})";

    private static long? Time(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();

    private static bool HasPages(JobWrite write) => write.Pages.Count > 0;

    private static bool HasRecord(JobWrite write) => write.Record is not null;

    // A column that holds nothing is left out, which saves time where a group is small.
    private void Add<T>(NpgsqlDbType type, Func<JobWrite, T> value, Predicate<JobWrite>? isSet = null) => Add(
        type, () => isSet is null || _writes.Exists(isSet) ? _writes.ConvertAll(w => value(w)).ToArray() : null);

    private void AddOfPages<T>(NpgsqlDbType type, Func<(int Write, StoredPage Page), T> value) =>
        Add(type, () => _pages.Count > 0 ? _pages.ConvertAll(p => value(p)).ToArray() : null);

    private void Add<T>(NpgsqlDbType type, Func<T[]?> values)
    {
        var parameter = new NpgsqlParameter<T[]?> { NpgsqlDbType = NpgsqlDbType.Array | type };
        _parameters.Add(parameter);
        _fills.Add(() => parameter.TypedValue = values());
    }
}
