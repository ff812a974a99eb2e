using Runnel.Layers;

namespace Runnel.Tests.Nodes;

/// <summary>What a process sees of the others, as the test says.</summary>
internal sealed class ToyProof(string process, params string[] others) : IProofOfLife
{
    private readonly HashSet<string> _living = [process, .. others];

    public string Process { get; private set; } = process;

    public event Action? Changed;

    public bool Lives(string process) => _living.Contains(process);

    /// <summary>The process is known by another name from now on.</summary>
    public void Moves(string to)
    {
        _living.Add(Process = to);
        Changed?.Invoke();
    }

    public void Comes(string other)
    {
        _living.Add(other);
        Changed?.Invoke();
    }

    public void Dies(string other)
    {
        _living.Remove(other);
        Changed?.Invoke();
    }
}
