using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Runnel.AspNetCore.Http;

/// <summary>Sends the response to the client, and knows for how long that has waited.</summary>
/// <param name="context">The request.</param>
/// <param name="patience">What is cancelled when the client has waited for too long.</param>
/// <param name="timeout">How long it may wait for the next part.</param>
internal sealed class ClientSink(HttpContext context, CancellationTokenSource patience, TimeSpan timeout) : IResponseSink
{
    // Between two servers they mean something, and between client and consumer nothing.
    private static readonly string[] OfOneHop = [HeaderNames.Connection, HeaderNames.KeepAlive, HeaderNames.TransferEncoding, HeaderNames.Upgrade];

    private const int Nobody = 0, Consumer = 1, Server = 2;

    private int _answers;

    /// <summary>Whether the response was begun by the consumer.</summary>
    public bool HasBegun => Volatile.Read(ref _answers) == Consumer;

    /// <summary>The server answers, with an error, unless the consumer has begun.</summary>
    public bool TryClaim() => TryClaim(Server);

    public ValueTask StartAsync(int statusCode, IHeaderDictionary headers, CancellationToken cancellationToken)
    {
        patience.Token.ThrowIfCancellationRequested();
        if (!TryClaim(Consumer))
            throw new OperationCanceledException("The client has waited for too long, and was answered.");
        SetHeaders(headers);
        context.Response.StatusCode = statusCode;
        return ValueTask.CompletedTask;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
    {
        patience.Token.ThrowIfCancellationRequested();
        patience.CancelAfter(Timeout.InfiniteTimeSpan); // a client that reads slowly is the server's business
        await context.Response.BodyWriter.WriteAsync(chunk, cancellationToken);
        patience.CancelAfter(timeout);
    }

    private bool TryClaim(int who) => Interlocked.CompareExchange(ref _answers, who, Nobody) == Nobody;

    // All of them or none: the server refuses what must not be in a header, and then the client gets a 500.
    private void SetHeaders(IHeaderDictionary headers)
    {
        var passed = headers.Where(static header => !OfOneHop.Contains(header.Key, StringComparer.OrdinalIgnoreCase));
        try
        {
            foreach (var (name, value) in passed)
                context.Response.Headers[name] = value;
        }
        catch (InvalidOperationException)
        {
            foreach (var (name, _) in passed)
                context.Response.Headers.Remove(name);
            Volatile.Write(ref _answers, Nobody);
            throw;
        }
    }
}
