namespace Runnel.Bench;

/// <summary>Whoever has a <see cref="GreetedSocket"/>.</summary>
internal interface ISocketReader
{
    /// <summary>The handshake is answered: the client says hello.</summary>
    void Opened();

    /// <summary>A message came.</summary>
    void Take(ReadOnlySpan<byte> text);
}
