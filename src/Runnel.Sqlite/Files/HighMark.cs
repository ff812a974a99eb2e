using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Runnel.Sqlite.Files;

/// <summary>How far the database's sequence ever was, in a file beside it. A database that is not as far is an older copy of itself, or a power cut has undone its end.</summary>
/// <remarks>
/// Written after each commit that takes numbers, by whichever process. If two write at once, it may stay a little behind until the next commit. It is never ahead of what was
/// committed, so nothing is taken for lost that is not.
/// </remarks>
internal sealed class HighMark : IDisposable
{
    private readonly SafeFileHandle _file;

    private HighMark(SafeFileHandle file) => _file = file;

    /// <summary>Opens the file, and makes it if it is not there.</summary>
    public static HighMark Open(string database)
    {
        Directory.CreateDirectory(SqliteNames.Folder(database));
        return new(File.OpenHandle(SqliteNames.HighMark(database), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));
    }

    /// <summary>How far the sequence was, if somebody has noted it; and how often somebody found that the database was not as far.</summary>
    public (long? Last, long Losses) Read()
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(long)];
        bytes.Clear();
        var isNoted = RandomAccess.Read(_file, bytes, fileOffset: 0) >= sizeof(long);
        return (isNoted ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : null, BinaryPrimitives.ReadInt64LittleEndian(bytes[sizeof(long)..]));
    }

    /// <summary>Notes how far it is now.</summary>
    public void Write(long last) => Write(last, fileOffset: 0);

    /// <summary>Lets the other processes know that the database was not as far as it had been.</summary>
    public void CountLoss() => Write(Read().Losses + 1, fileOffset: sizeof(long));

    private void Write(long number, long fileOffset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        try
        {
            RandomAccess.Write(_file, bytes, fileOffset);
        }
        catch (IOException)
        {
            // What was committed is committed. A loss between this number and the next that can be noted would go unnoticed.
        }
    }

    public void Dispose() => _file.Dispose();
}
