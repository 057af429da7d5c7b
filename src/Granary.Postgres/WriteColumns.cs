using System.Text;
using Granary.Stores;
using Npgsql;
using NpgsqlTypes;

namespace Granary.Postgres;

/// <summary>A group of writes as the arrays that <c>commit_writes</c> takes.</summary>
internal sealed class WriteColumns
{
    private readonly List<JobWrite> _writes = [];
    private readonly List<(int Write, StoredPage Page)> _pages = [];
    private bool _hasRecords;

    /// <summary>How many writes are in the columns.</summary>
    public int Count => _writes.Count;

    /// <summary>Adds a write whose numbers follow each other.</summary>
    public void Add(JobWrite write)
    {
        _writes.Add(write);
        foreach (StoredPage page in write.Pages) _pages.Add((_writes.Count, page));
        _hasRecords |= write.Record is not null;
    }

    /// <summary>Sets the parameters of <see cref="Sql"/> after the first two.</summary>
    public void Fill(NpgsqlParameterCollection parameters)
    {
        Set(parameters, NpgsqlDbType.Bigint, Of(static w => w.Job.Value));
        Set(parameters, NpgsqlDbType.Bigint, Of(static w => w.Epoch));
        Set(parameters, NpgsqlDbType.Smallint, Of(static w => (short)w.Phase));
        Set(parameters, NpgsqlDbType.Smallint, Of(static w => (short)w.State));
        Set(parameters, NpgsqlDbType.Integer, Of(static w => w.Pages.Count == 0 ? (int?)null : w.Pages[0].Number));
        Set(parameters, NpgsqlDbType.Integer, Of(static w => w.Pages.Count));
        Set(parameters, NpgsqlDbType.Integer, Of(static w => w.Record?.Number));
        Set(parameters, NpgsqlDbType.Bigint, Of(static w => w.ExpiresAt?.ToUnixTimeMilliseconds()));
        Set(parameters, NpgsqlDbType.Bigint, Of(static w => w.DueAt?.ToUnixTimeMilliseconds()));
        Set(parameters, NpgsqlDbType.Bytea, Of(static w => w.Key is { } key ? KeyBytes(key) : null));
        Set(parameters, NpgsqlDbType.Bytea, Of(static w => w.Header));
        Set(parameters, NpgsqlDbType.Bytea, Of(static w => w.Summary));
        Set(parameters, NpgsqlDbType.Bytea, _hasRecords ? Of(static w => w.Record?.Events) : []);
        Set(parameters, NpgsqlDbType.Bytea, _hasRecords ? Of(static w => w.Record?.Values) : []);
        Set(parameters, NpgsqlDbType.Integer, [.. _pages.Select(static p => p.Write)]);
        Set(parameters, NpgsqlDbType.Integer, [.. _pages.Select(static p => p.Page.Number)]);
        Set<ReadOnlyMemory<byte>>(parameters, NpgsqlDbType.Bytea, [.. _pages.Select(static p => p.Page.Shape)]);
        Set<ReadOnlyMemory<byte>>(parameters, NpgsqlDbType.Bytea, [.. _pages.Select(static p => p.Page.Args)]);
    }

    /// <summary>A key as it is stored.</summary>
    public static byte[] KeyBytes(string key) => Encoding.UTF8.GetBytes(key);

    /// <summary>The call, for a schema.</summary>
    public static string Sql(Place place) =>
        $"SELECT {place.Quoted}.commit_writes({string.Join(", ", Enumerable.Range(1, 20).Select(n => $"${n}"))})";

    private T[] Of<T>(Func<JobWrite, T> column)
    {
        var values = new T[_writes.Count];
        for (int i = 0; i < values.Length; i++) values[i] = column(_writes[i]);
        return values;
    }

    private static void Set<T>(NpgsqlParameterCollection parameters, NpgsqlDbType type, T[] values) =>
        parameters.Add(new NpgsqlParameter<T[]> { NpgsqlDbType = NpgsqlDbType.Array | type, TypedValue = values });
}
