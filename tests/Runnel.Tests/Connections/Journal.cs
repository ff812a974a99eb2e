using System.Threading.Channels;
using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>What consumers note down and a test waits for, in order.</summary>
public sealed class Journal
{
    private readonly Channel<string> _entries = System.Threading.Channels.Channel.CreateUnbounded<string>();

    /// <summary>Opened by a test to let go what waits for it.</summary>
    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many entries nobody has read.</summary>
    public int Unread => _entries.Reader.Count;

    public void Write(string entry) => _entries.Writer.TryWrite(entry);

    public Task<string> NextAsync() => Wait.For(_entries.Reader.ReadAsync().AsTask(), "an entry in the journal");
}

/// <summary>A service of one scope, that says when it is disposed.</summary>
public sealed class ScopedThing(Journal journal) : IDisposable
{
    public void Dispose() => journal.Write("scope disposed");
}
