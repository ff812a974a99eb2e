using System.Text.Json;
using Runnel.Frames;

namespace Runnel;

/// <summary>A consumer whose messages are JSON.</summary>
/// <remarks>
/// Text that is not JSON closes the connection with <see cref="CloseCode.InvalidPayload"/>, and bytes close it with <see cref="CloseCode.UnsupportedData"/>.
/// </remarks>
public abstract class JsonWebSocketConsumer : WebSocketConsumer
{
    /// <summary>The client sent a message. By default, this closes the connection with <see cref="CloseCode.UnsupportedData"/>.</summary>
    /// <param name="message">The message. You may keep it.</param>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "This endpoint takes no messages.", cancellationToken);

    /// <summary>Not for consumers of JSON: override <see cref="OnReceiveAsync(JsonElement, CancellationToken)"/>.</summary>
    public sealed override Task OnReceiveAsync(string text, CancellationToken cancellationToken) => base.OnReceiveAsync(text, cancellationToken);

    /// <summary>Closes the connection with <see cref="CloseCode.UnsupportedData"/>.</summary>
    public sealed override Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "This endpoint takes JSON text, not bytes.", cancellationToken);

    /// <inheritdoc cref="Connection.SendJsonAsync"/>
    protected ValueTask SendJsonAsync<T>(T value, CancellationToken cancellationToken = default) => Connection.SendJsonAsync(value, cancellationToken);

    internal sealed override Task OnTextAsync(ReadOnlyMemory<byte> utf8, CancellationToken cancellationToken)
    {
        if (!JsonText.TryParse(utf8.Span, out var message))
            return CloseAsync(CloseCode.InvalidPayload, "The message is not valid JSON.", cancellationToken);
        if (!JsonText.IsText(utf8.Span))
            return CloseAsync(CloseCode.InvalidPayload, "The message has half of a character (a surrogate without the other one).", cancellationToken);
        return OnReceiveAsync(message, cancellationToken);
    }

    internal sealed override Task OnPayloadAsync(JsonElement payload, CancellationToken cancellationToken) => OnReceiveAsync(payload, cancellationToken);
}
