using SQLitePCL;

namespace Granary.Embedded.Sqlite;

/// <summary>A prepared statement. Parameters count from 1, columns from 0, as in SQLite.</summary>
internal sealed class Statement(Connection connection, sqlite3_stmt handle) : IDisposable
{
    /// <summary>Binds a number.</summary>
    public Statement Bind(int parameter, long value)
    {
        connection.Check(raw.sqlite3_bind_int64(handle, parameter, value));
        return this;
    }

    /// <summary>Binds a number or null.</summary>
    public Statement Bind(int parameter, long? value)
    {
        connection.Check(value is { } number
            ? raw.sqlite3_bind_int64(handle, parameter, number)
            : raw.sqlite3_bind_null(handle, parameter));
        return this;
    }

    /// <summary>Binds a text or null.</summary>
    public Statement Bind(int parameter, string? value)
    {
        connection.Check(value is null
            ? raw.sqlite3_bind_null(handle, parameter)
            : raw.sqlite3_bind_text(handle, parameter, value));
        return this;
    }

    /// <summary>Binds a blob.</summary>
    public Statement Bind(int parameter, ReadOnlyMemory<byte> value)
    {
        connection.Check(raw.sqlite3_bind_blob(handle, parameter, value.Span));
        return this;
    }

    /// <summary>Goes to the next row. False at the end, where the statement is ready to run again.</summary>
    public bool Step()
    {
        int code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW) return true;
        try
        {
            if (code != raw.SQLITE_DONE) connection.Check(code);
            return false;
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Runs it to its end, and returns how many rows it changed.</summary>
    public int Run()
    {
        while (Step()) { }
        return connection.Changes;
    }

    /// <summary>Reads every row.</summary>
    public List<T> All<T>(Func<Statement, T> read)
    {
        var rows = new List<T>();
        while (Step()) rows.Add(read(this));
        return rows;
    }

    /// <summary>Reads the first row; the default if there is none.</summary>
    public T? First<T>(Func<Statement, T> read)
    {
        if (!Step()) return default;
        T row = read(this);
        Reset();
        return row;
    }

    /// <summary>A number.</summary>
    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    /// <summary>A text; empty for null.</summary>
    public string Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string() ?? "";

    /// <summary>A copy of a blob.</summary>
    public byte[] Blob(int column) => raw.sqlite3_column_blob(handle, column).ToArray();

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    // Its code repeats the last step's, which has been dealt with.
    private void Reset() => _ = raw.sqlite3_reset(handle);
}
