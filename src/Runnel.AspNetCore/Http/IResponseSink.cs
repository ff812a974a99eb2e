using Microsoft.AspNetCore.Http;

namespace Runnel.AspNetCore.Http;

/// <summary>Takes the response of a consumer.</summary>
internal interface IResponseSink
{
    /// <summary>Takes status and headers.</summary>
    /// <exception cref="InvalidOperationException">A header has characters that the server refuses. Nothing was taken.</exception>
    ValueTask StartAsync(int statusCode, IHeaderDictionary headers, CancellationToken cancellationToken);

    /// <summary>Takes a part of the body, and waits until there is room for the next one.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken);
}
