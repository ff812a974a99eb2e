namespace Runnel;

/// <summary>Carries what is known about a client from the node that holds its socket to the worker that runs its consumer.</summary>
public interface IScopeFormat
{
    /// <summary>Writes a scope. Called when a connection is handed to a worker, and again for each further worker.</summary>
    /// <param name="scope">The scope of a connection of this node.</param>
    ReadOnlyMemory<byte> Write(ConsumerScope scope);

    /// <summary>Makes a scope of what another node has written. Must not throw: what cannot be read is empty.</summary>
    /// <param name="bytes">What was written. The memory is the scope's own, so it can read it when it is asked.</param>
    ConsumerScope Read(ReadOnlyMemory<byte> bytes);
}
