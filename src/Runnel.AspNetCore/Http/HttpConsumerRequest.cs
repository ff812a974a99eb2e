using System.Security.Claims;
using System.Text.Json;

namespace Runnel.AspNetCore;

/// <summary>A request that an <see cref="HttpConsumer"/> answers.</summary>
public sealed class HttpConsumerRequest
{
    private readonly JsonSerializerOptions _json;

    internal HttpConsumerRequest(string method, ConsumerScope scope, ReadOnlyMemory<byte> body, JsonSerializerOptions json) => (Method, Scope, Body, _json) = (method, scope, body, json);

    /// <summary>The method, in capitals: <c>GET</c>.</summary>
    public string Method { get; }

    /// <summary>Path, query, headers, route values, user and address of the client.</summary>
    public ConsumerScope Scope { get; }

    /// <summary>The user whom ASP.NET Core authenticated, or an anonymous one.</summary>
    public ClaimsPrincipal User => Scope.User;

    /// <summary>The whole body, up to <see cref="HttpConsumerOptions.MaxBodyBytes"/>; empty if there is none.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Reads the body as JSON.</summary>
    /// <exception cref="JsonException">It is not JSON, or does not fit the type.</exception>
    public T? ReadJson<T>() => JsonSerializer.Deserialize<T>(Body.Span, _json);
}
