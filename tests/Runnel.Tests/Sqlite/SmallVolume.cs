using System.Diagnostics;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>A volume of a few megabytes, mounted for one test (tmpfs), which takes root. In CI a test that is left out for the want of it is a failure.</summary>
internal sealed class SmallVolume : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");

    public SmallVolume(int mebibytes)
    {
        if (TryRun("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "runnel-test", Path))
            return;
        _folder.Delete();
        Assert.Skip("A volume of its own takes root: mount -t tmpfs failed.");
    }

    public string Path => _folder.FullName;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Takes all the room that there is, as another program might.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        try
        {
            while (true)
                file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives it back.</summary>
    public void Empty() => File.Delete(Filler);

    public void Dispose()
    {
        TryRun("umount", Path);
        _folder.Delete(recursive: true);
    }

    private static bool TryRun(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
