using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Runnel.Sqlite;

/// <summary>SQLite's own access to files, but for how it sleeps.</summary>
/// <remarks>
/// SQLite waits some microseconds where another process is just changing what it wants to read. A library that was built without
/// <c>HAVE_USLEEP</c>, as the packaged one for Linux was, knows only whole seconds and stops its caller for one (measured: two busy processes met
/// that every few seconds). So the file system object is registered once more under a name of ours, with another sleep. Its layout is part of
/// SQLite's stable interface (sqlite.org/c3ref/vfs.html).
/// </remarks>
internal static unsafe partial class PatientFileSystem
{
    private const string Library = "e_sqlite3";

    /// <summary>The name to open files with; <see langword="null"/> for SQLite's default, which is as good as ours elsewhere.</summary>
    public static string? Name { get; } = Register();

    private static string? Register()
    {
        // Windows sleeps in milliseconds. An application that brings another SQLite library has seen to how that is built.
        if (OperatingSystem.IsWindows() || raw.GetNativeLibraryName() != Library)
            return null;
        try
        {
            var own = (FileSystem*)NativeMemory.Alloc((nuint)sizeof(FileSystem)); // SQLite keeps it for as long as the process lives
            *own = *(FileSystem*)Find(null);
            own->Next = 0;
            own->Name = Marshal.StringToCoTaskMemUTF8("runnel");
            own->Sleep = (nint)(delegate* unmanaged[Cdecl]<nint, int, int>)&Sleep;
            return Register((nint)own, makeDefault: 0) == raw.SQLITE_OK ? "runnel" : null;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return null; // linked in statically, say
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sleep(nint fileSystem, int microseconds)
    {
        if (microseconds < 1000)
            Thread.Yield();
        else
            Pause.For(TimeSpan.FromMicroseconds(microseconds));
        return microseconds;
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_vfs_find", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Find(string? name);

    [LibraryImport(Library, EntryPoint = "sqlite3_vfs_register")]
    private static partial int Register(nint fileSystem, int makeDefault);

    /// <summary>struct sqlite3_vfs, version 3.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileSystem
    {
        public int Version, FileSize, MaxPath;
        public nint Next, Name, Data, Open, Delete, Access, FullPath, LibraryOpen, LibraryError, LibrarySymbol, LibraryClose, Randomness;
        public nint Sleep, CurrentTime, LastError, CurrentTimeInt64, SetSystemCall, GetSystemCall, NextSystemCall;
    }
}
