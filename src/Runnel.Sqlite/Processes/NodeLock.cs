namespace Runnel.Sqlite.Processes;

/// <summary>A process's lock file: held locked for as long as the process lives, let go of by the operating system however it ends.</summary>
/// <remarks>
/// No clock is in it, so a machine that stalls takes nobody for dead. A process that is stopped (SIGSTOP, a debugger) lives: it keeps the lock, and
/// with it what its workers hold. .NET's <see cref="FileShare.None"/> is such a lock (flock) on Unix, and the share mode on Windows.
/// </remarks>
internal sealed class NodeLock : IDisposable
{
    private readonly FileStream _file;

    private NodeLock(FileStream file) => _file = file;

    /// <summary>Makes the file and locks it.</summary>
    /// <exception cref="IOException">The file system has no locks, without which the death of a process would go unnoticed or be invented.</exception>
    public static NodeLock Take(string path)
    {
        var taken = new NodeLock(new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
        if (!IsFree(path))
            return taken;
        taken.Dispose();
        File.Delete(path);
        throw new IOException($"Locks on files do not work in '{Path.GetDirectoryName(path)}'. Put the SQLite database on a local disk, and leave .NET's file locking on (DOTNET_SYSTEM_IO_DISABLEFILELOCKING).");
    }

    /// <summary>Whether the process that locked the file is gone.</summary>
    public static bool IsFree(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _file.Dispose();
}
