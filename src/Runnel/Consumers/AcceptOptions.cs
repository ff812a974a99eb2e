namespace Runnel;

/// <summary>How a connection is accepted.</summary>
public sealed record AcceptOptions
{
    /// <summary>The defaults: no subprotocol, no headers.</summary>
    public static AcceptOptions Default { get; } = new();

    /// <summary>The subprotocol chosen; one that the client offers (<see cref="ConsumerScope.Subprotocols"/>).</summary>
    /// <value>None by default.</value>
    public string? Subprotocol { get; init; }

    /// <summary>Headers to send with the acceptance, such as a cookie.</summary>
    /// <value>None by default.</value>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}
