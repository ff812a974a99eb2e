using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Runnel.AspNetCore.Http;

namespace Runnel.AspNetCore;

/// <summary>The response of an <see cref="HttpConsumer"/>. Status and headers go out with the first write, or when the consumer returns.</summary>
public sealed class HttpConsumerResponse
{
    private readonly IResponseSink _sink;
    private readonly JsonSerializerOptions _json;
    private int _statusCode = StatusCodes.Status200OK;

    internal HttpConsumerResponse(IResponseSink sink, JsonSerializerOptions json) => (_sink, _json) = (sink, json);

    /// <summary>The status.</summary>
    /// <value>200 unless it is set.</value>
    /// <exception cref="InvalidOperationException">The response has started.</exception>
    public int StatusCode
    {
        get => _statusCode;
        set => _statusCode = !HasStarted ? value : throw new InvalidOperationException("The status cannot be set any more: the response has started. Set it before the first write.");
    }

    /// <summary>The headers, of up to 64 KiB. They have no effect once the response has started.</summary>
    public IHeaderDictionary Headers { get; } = new HeaderDictionary();

    /// <summary>Whether status and headers have gone out.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Sends a part of the body at once. Waits while the client reads slowly.</summary>
    /// <param name="chunk">The part.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The headers have more than 64 KiB, or characters that the server refuses.</exception>
    /// <exception cref="OperationCanceledException">The client is gone, or has waited for too long.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken = default)
    {
        await StartAsync(cancellationToken);
        await _sink.WriteAsync(chunk, cancellationToken);
    }

    /// <summary>Sends a part of the body as UTF-8. The content type is <c>text/plain</c> if you set none.</summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask WriteAsync(string chunk, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        SetContentType("text/plain; charset=utf-8");
        return WriteAsync(Encoding.UTF8.GetBytes(chunk), cancellationToken);
    }

    /// <summary>Sends a value as JSON. The content type is <c>application/json</c> if you set none.</summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask WriteJsonAsync<T>(T value, CancellationToken cancellationToken = default)
    {
        SetContentType("application/json; charset=utf-8");
        return WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, _json), cancellationToken);
    }

    /// <summary>Sends status and headers, if that has not been done.</summary>
    internal async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (HasStarted)
            return;
        if (ResponseHead.SizeOf(Headers) is var size && size > ResponseHead.MostBytes)
            throw new InvalidOperationException($"The headers of the response have {size} bytes, and may have {ResponseHead.MostBytes}. Write what is large to the body.");
        await _sink.StartAsync(StatusCode, Headers, cancellationToken);
        HasStarted = true;
    }

    private void SetContentType(string contentType)
    {
        if (!HasStarted && Headers.ContentType.Count == 0)
            Headers.ContentType = contentType;
    }
}
