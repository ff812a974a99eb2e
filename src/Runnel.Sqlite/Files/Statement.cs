using System.Text;
using SQLitePCL;

namespace Runnel.Sqlite.Files;

/// <summary>A prepared statement, used over and over. Columns and parameters as SQLite counts them: from 0 and from 1.</summary>
internal sealed class Statement(Database database, sqlite3_stmt handle) : IDisposable
{
    private const int ShortText = 256;

    public Statement Bind(int parameter, long value)
    {
        raw.sqlite3_bind_int64(handle, parameter, value);
        return this;
    }

    public Statement Bind(int parameter, long? value)
    {
        if (value is null)
            raw.sqlite3_bind_null(handle, parameter);
        else
            raw.sqlite3_bind_int64(handle, parameter, value.Value);
        return this;
    }

    public Statement Bind(int parameter, string? value)
    {
        if (value is null)
        {
            raw.sqlite3_bind_null(handle, parameter);
        }
        else if (value.Length is > 0 and <= ShortText / 3)
        {
            Span<byte> utf8 = stackalloc byte[ShortText];
            database.Check(raw.sqlite3_bind_text(handle, parameter, utf8[..Encoding.UTF8.GetBytes(value, utf8)]));
        }
        else
        {
            database.Check(raw.sqlite3_bind_text(handle, parameter, value));
        }
        return this;
    }

    public Statement Bind(int parameter, ReadOnlySpan<byte> value)
    {
        // SQLite takes the address of nothing for NULL.
        database.Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, parameter, 0) : raw.sqlite3_bind_blob(handle, parameter, value));
        return this;
    }

    public Statement BindNull(int parameter)
    {
        raw.sqlite3_bind_null(handle, parameter);
        return this;
    }

    /// <summary>Goes on to the next row, if there is one; then <see cref="Reset"/> has to follow.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW)
            return true;
        if (code != raw.SQLITE_DONE)
        {
            Reset();
            database.Check(code);
        }
        return false;
    }

    /// <summary>Runs it to the end.</summary>
    public void Run()
    {
        Step();
        Reset();
    }

    /// <summary>Runs it to the end.</summary>
    /// <returns>How many rows were changed.</returns>
    public int RunCounting()
    {
        Step();
        Reset();
        return database.Changes();
    }

    /// <summary>Runs it for the first column of its first row.</summary>
    public long? ReadNumber()
    {
        long? value = Step() && !IsNull(0) ? Number(0) : null;
        Reset();
        return value;
    }

    public long Number(int column) => raw.sqlite3_column_int64(handle, column);

    public long? NumberOrNull(int column) => IsNull(column) ? null : Number(column);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(handle, column).utf8_to_string();

    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(handle, column);

    public void Reset() => raw.sqlite3_reset(handle);

    public void Dispose() => handle.Dispose();
}
