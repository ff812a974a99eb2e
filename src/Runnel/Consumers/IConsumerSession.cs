namespace Runnel;

/// <summary>One consumer at work on one connection, in this process or in a worker. You get it from <see cref="ConsumerSessions.NewSession"/>.</summary>
/// <remarks>
/// The carrier calls <see cref="ConnectAsync"/>, then <see cref="ReceiveTextAsync"/> and <see cref="ReceiveBinaryAsync"/> as messages arrive, waiting
/// for each before it reads the next, and <see cref="DisconnectAsync"/> at the end. None of them throws what the consumer threw.
/// </remarks>
public interface IConsumerSession
{
    /// <summary>The connection.</summary>
    Connection Connection { get; }

    /// <summary>Makes the consumer and lets it accept or reject.</summary>
    Task ConnectAsync();

    /// <summary>Gives the consumer a text message and waits until the next one may come.</summary>
    /// <param name="utf8">The whole message as UTF-8; the memory is the caller's again afterwards.</param>
    ValueTask ReceiveTextAsync(ReadOnlyMemory<byte> utf8);

    /// <summary>Gives the consumer a binary message and waits until the next one may come.</summary>
    /// <param name="data">The whole message; the memory is the caller's again afterwards.</param>
    ValueTask ReceiveBinaryAsync(ReadOnlyMemory<byte> data);

    /// <summary>Ends the consumer: its connection leaves its groups, and it is told, after the event it is handling. Called once.</summary>
    /// <param name="code">The code the connection was closed with.</param>
    /// <param name="wasAccepted">Whether it ever was: a consumer is not told of the end of what it rejected.</param>
    Task DisconnectAsync(int code, bool wasAccepted = true);
}
