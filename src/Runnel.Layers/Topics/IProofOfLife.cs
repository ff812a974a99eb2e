namespace Runnel.Layers;

/// <summary>Sees whether the processes that share a layer live, with no message of theirs: by locks that the operating system keeps, for example. Nodes on such a layer need no beat.</summary>
/// <remarks>Thread-safe. None of it waits for the disk or for a server.</remarks>
public interface IProofOfLife
{
    /// <summary>What the others know this process by. It changes when the layer takes the process in anew.</summary>
    string Process { get; }

    /// <summary>Whether a process lives, as far as this one has seen. One that has just come may not have been seen yet.</summary>
    bool Lives(string process);

    /// <summary>Raised when a process has come, left or died, or when <see cref="Process"/> has changed, on a thread of the layer; a handler must not block.</summary>
    event Action? Changed;
}
