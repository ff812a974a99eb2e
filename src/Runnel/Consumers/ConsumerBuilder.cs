namespace Runnel;

/// <summary>A consumer made of functions, for endpoints that are too small for a class. Without a function, it does what <see cref="WebSocketConsumer"/> does.</summary>
public sealed class ConsumerBuilder
{
    internal Func<Connection, CancellationToken, Task>? Connect { get; private set; }

    internal Func<string, Connection, CancellationToken, Task>? ReceiveText { get; private set; }

    internal Func<ReadOnlyMemory<byte>, Connection, CancellationToken, Task>? ReceiveBinary { get; private set; }

    internal Func<Connection, CancellationToken, Task>? Adopt { get; private set; }

    internal Func<int, Connection, Task>? Disconnect { get; private set; }

    /// <summary>A client wants to connect: accept or reject it. Without this function, it is accepted.</summary>
    public ConsumerBuilder OnConnect(Func<Connection, CancellationToken, Task> handler)
    {
        Connect = handler;
        return this;
    }

    /// <summary>The client sent text.</summary>
    public ConsumerBuilder OnReceive(Func<string, Connection, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return OnReceive((text, connection, _) => handler(text, connection).AsTask());
    }

    /// <summary>The client sent text; the token is cancelled when the client is gone.</summary>
    public ConsumerBuilder OnReceive(Func<string, Connection, CancellationToken, Task> handler)
    {
        ReceiveText = handler;
        return this;
    }

    /// <summary>The client sent bytes, valid until the handler's task has completed; the token is cancelled when the client is gone.</summary>
    public ConsumerBuilder OnReceiveBinary(Func<ReadOnlyMemory<byte>, Connection, CancellationToken, Task> handler)
    {
        ReceiveBinary = handler;
        return this;
    }

    /// <summary>The connection has come from another worker (<see cref="WebSocketConsumer.OnAdoptAsync"/>). With this function, connections can be adopted.</summary>
    public ConsumerBuilder OnAdopt(Func<Connection, CancellationToken, Task> handler)
    {
        Adopt = handler;
        return this;
    }

    /// <summary>The connection is over, with this code.</summary>
    public ConsumerBuilder OnDisconnect(Func<int, Connection, Task> handler)
    {
        Disconnect = handler;
        return this;
    }
}
