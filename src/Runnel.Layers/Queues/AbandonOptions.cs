namespace Runnel.Layers;

/// <summary>How a message is given back.</summary>
public sealed record AbandonOptions
{
    /// <summary>At once, and as if it had never been taken: what a worker that leaves does with what it has not begun.</summary>
    public static AbandonOptions Untouched { get; } = new() { CountsAttempt = false };

    /// <summary>How long it stays away. A message with a key keeps its place: the key's later messages wait behind it.</summary>
    /// <value>Zero by default.</value>
    public TimeSpan Delay { get; init; }

    /// <summary>Whether a handler ran and failed: <see cref="Envelope.Attempt"/> goes up by one.</summary>
    /// <value><see langword="true"/> by default.</value>
    public bool CountsAttempt { get; init; } = true;

    /// <summary>A new body to be handed out next time, for a job that continues from where it was; <see langword="null"/> to keep the one it has.</summary>
    /// <value><see langword="null"/> by default.</value>
    public ReadOnlyMemory<byte>? Body { get; init; }
}
