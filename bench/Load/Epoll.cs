using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Runnel.Bench;

/// <summary>Linux's readiness queue, used directly: one thread and one system call for hundreds of sockets.</summary>
/// <remarks>.NET's own asynchronous sockets would do the same work on its thread pool, at several times the cost, on cores that the server needs.</remarks>
internal sealed partial class Epoll
{
    private const int Add = 1;
    private const uint Readable = 0x1, Writable = 0x4, Change = 1u << 31;
    private const int MostEvents = 512;
    private const int Interrupted = 4;

    // The structure is packed on x64 only.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int TagOffset = EventSize - 8;

    private readonly byte[] _events = new byte[MostEvents * EventSize];
    private readonly int _descriptor = Check(EpollCreate(0));

    /// <summary>Reports the descriptor with the tag whenever it is readable, and by itself no more once it is closed.</summary>
    public void Watch(int descriptor, int tag) => Watch(descriptor, tag, Readable);

    /// <summary>Reports the descriptor whenever it has become readable or writable: once for each time, so everything has to be read.</summary>
    public void WatchChanges(int descriptor, int tag) => Watch(descriptor, tag, Readable | Writable | Change);

    /// <summary>Blocks until there is something to report.</summary>
    /// <param name="milliseconds">For so long at most; -1 for ever.</param>
    public int Wait(int milliseconds = -1)
    {
        var count = EpollWait(_descriptor, _events, MostEvents, milliseconds);
        return count < 0 && Marshal.GetLastPInvokeError() == Interrupted ? 0 : Check(count);
    }

    public int TagOf(int index) => (int)MemoryMarshal.Read<long>(_events.AsSpan((index * EventSize) + TagOffset));

    private void Watch(int descriptor, int tag, uint events)
    {
        Span<byte> request = stackalloc byte[EventSize];
        MemoryMarshal.Write(request, events);
        MemoryMarshal.Write(request[TagOffset..], (long)tag);
        Check(EpollControl(_descriptor, Add, descriptor, request));
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, int descriptor, Span<byte> request);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(int epoll, byte[] events, int capacity, int timeout);
}
