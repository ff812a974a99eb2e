using System.Net.WebSockets;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;

namespace Runnel.Testing;

/// <summary>A client for tests: talks to a consumer over ASP.NET Core's in-memory server, through the application's whole pipeline.</summary>
/// <remarks>
/// Every receive is bounded by <see cref="Timeout"/> and fails with a sentence that says what was waited for. One receive at a time.
/// <example>
/// <code>
/// await using var client = new WebSocketCommunicator(factory.Server, "/ws/articles");
/// Assert.True(await client.ConnectAsync());
/// var snapshot = await client.ReceiveJsonAsync();
/// </code>
/// </example>
/// </remarks>
/// <param name="server">The application's test server: <c>factory.Server</c>, or <c>app.GetTestServer()</c>.</param>
/// <param name="path">The path, with a query string if need be.</param>
public sealed class WebSocketCommunicator(TestServer server, string path) : IAsyncDisposable
{
    private WebSocket? _socket;
    private HttpContext? _context;
    private Task<ValueWebSocketReceiveResult>? _peek;

    /// <summary>How long to wait for anything.</summary>
    /// <value>5 seconds by default.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The request's headers; set before <see cref="ConnectAsync"/>.</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>();

    /// <summary>The subprotocols to offer, in order of preference; set before <see cref="ConnectAsync"/>.</summary>
    public IList<string> Subprotocols { get; } = [];

    /// <summary>The user to connect as; set before <see cref="ConnectAsync"/>. What the application's authentication makes out itself wins.</summary>
    public ClaimsPrincipal? User { get; set; }

    /// <summary>The subprotocol chosen by the consumer.</summary>
    public string? Subprotocol => _socket?.SubProtocol;

    /// <summary>The HTTP status with which the connection was refused; 0 when it was accepted.</summary>
    public int RefusedWith { get; private set; }

    /// <summary>The headers that were sent with the acceptance or the refusal.</summary>
    public IHeaderDictionary ResponseHeaders => _context?.Response.Headers ?? throw NotConnected();

    /// <summary>The code with which the server closed; <see langword="null"/> while it did not.</summary>
    public int? CloseCode => (int?)_socket?.CloseStatus;

    /// <summary>The reason with which the server closed.</summary>
    public string? CloseReason => _socket?.CloseStatusDescription;

    /// <summary>Connects.</summary>
    /// <returns>Whether the consumer accepted; if not, <see cref="RefusedWith"/> says how it refused.</returns>
    /// <exception cref="TimeoutException">It neither accepted nor refused in time.</exception>
    public async Task<bool> ConnectAsync()
    {
        var client = server.CreateWebSocketClient();
        foreach (var subprotocol in Subprotocols)
            client.SubProtocols.Add(subprotocol);
        client.ConfigureRequest = request =>
        {
            _context = request.HttpContext;
            foreach (var (name, value) in Headers)
                request.Headers[name] = value;
            if (User is not null)
                request.HttpContext.User = User;
        };
        try
        {
            _socket = await Bounded(token => client.ConnectAsync(new Uri(server.BaseAddress, path), token), "the consumer to accept or refuse");
            return true;
        }
        catch (InvalidOperationException) when (_context is { Response.StatusCode: not StatusCodes.Status101SwitchingProtocols and >= 300 })
        {
            RefusedWith = _context.Response.StatusCode;
            return false;
        }
    }

    /// <summary>Sends text.</summary>
    public Task SendTextAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);

    /// <summary>Sends a value as JSON text.</summary>
    public Task SendJsonAsync<T>(T value) => SendAsync(JsonSerializer.SerializeToUtf8Bytes(value, JsonSerializerOptions.Web), WebSocketMessageType.Text);

    /// <summary>Sends bytes.</summary>
    public Task SendBinaryAsync(ReadOnlyMemory<byte> data) => SendAsync(data, WebSocketMessageType.Binary);

    /// <summary>Waits for text.</summary>
    /// <exception cref="InvalidOperationException">Something else came: bytes, or a close, which the message names.</exception>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public async Task<string> ReceiveTextAsync() => Encoding.UTF8.GetString(await ReceiveAsync(WebSocketMessageType.Text));

    /// <summary>Waits for JSON text.</summary>
    /// <inheritdoc cref="ReceiveTextAsync"/>
    public async Task<JsonElement> ReceiveJsonAsync() => JsonElement.Parse(await ReceiveAsync(WebSocketMessageType.Text));

    /// <summary>Waits for JSON text and reads it as a value.</summary>
    /// <inheritdoc cref="ReceiveTextAsync"/>
    public async Task<T?> ReceiveJsonAsync<T>() => JsonSerializer.Deserialize<T>(await ReceiveAsync(WebSocketMessageType.Text), JsonSerializerOptions.Web);

    /// <summary>Waits for bytes.</summary>
    /// <inheritdoc cref="ReceiveTextAsync"/>
    public Task<byte[]> ReceiveBinaryAsync() => ReceiveAsync(WebSocketMessageType.Binary);

    /// <summary>Waits for the server to close.</summary>
    /// <returns>The code.</returns>
    /// <exception cref="InvalidOperationException">A message came instead.</exception>
    public async Task<int> ReceiveCloseAsync()
    {
        await ReceiveAsync(WebSocketMessageType.Close);
        return CloseCode ?? Runnel.CloseCode.None;
    }

    /// <summary>Whether nothing comes for a while. Proves little, and takes its time: prefer to wait for what does come after.</summary>
    /// <param name="within">How long to wait; 100 ms by default.</param>
    public async Task<bool> ReceivesNothingAsync(TimeSpan? within = null)
    {
        // An empty read sees that something is there and leaves it for the next receive.
        _peek ??= Socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).AsTask();
        await Task.WhenAny(_peek, Task.Delay(within ?? TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None));
        return !_peek.IsCompleted;
    }

    /// <summary>Closes from the client's side and waits for the server's answer.</summary>
    public async Task DisconnectAsync(int code = Runnel.CloseCode.Normal, string? reason = null)
    {
        await Socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, CancellationToken.None);
        try
        {
            while (Socket.State != WebSocketState.Closed && Socket.State != WebSocketState.Aborted)
                await ReceiveAnyAsync();
        }
        catch (WebSocketException)
        {
            // The server broke off rather than answer; it is gone either way.
        }
    }

    /// <summary>Breaks the connection off, as a client does that vanishes.</summary>
    public void Abort() => _socket?.Abort();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _socket?.Abort();
        _socket?.Dispose();
        return ValueTask.CompletedTask;
    }

    private WebSocket Socket => _socket ?? throw NotConnected();

    private static InvalidOperationException NotConnected() => new("The communicator is not connected: call ConnectAsync, and look at what it returns.");

    private async Task SendAsync(ReadOnlyMemory<byte> data, WebSocketMessageType type) => await Bounded(
        async token =>
        {
            await Socket.SendAsync(data, type, endOfMessage: true, token);
            return true;
        },
        "the server to take a message");

    private async Task<byte[]> ReceiveAsync(WebSocketMessageType expected)
    {
        var (type, content) = await ReceiveAnyAsync();
        if (type == expected)
            return content;
        throw new InvalidOperationException(type == WebSocketMessageType.Close
            ? $"Expected {expected}, but the server closed with {CloseCode} '{CloseReason}'."
            : $"Expected {expected}, but {type} came: {Encoding.UTF8.GetString(content)}");
    }

    private Task<(WebSocketMessageType Type, byte[] Content)> ReceiveAnyAsync() => Bounded(
        async token =>
        {
            using var content = new MemoryStream();
            var buffer = new byte[4096];
            ValueWebSocketReceiveResult received;
            if (_peek is not null)
            {
                received = await _peek.WaitAsync(token);
                _peek = null;
                if (received.EndOfMessage || received.MessageType == WebSocketMessageType.Close)
                    return (received.MessageType, []);
            }
            do
            {
                received = await Socket.ReceiveAsync(buffer.AsMemory(), token);
                content.Write(buffer, 0, received.Count);
            }
            while (!received.EndOfMessage && received.MessageType != WebSocketMessageType.Close);
            return (received.MessageType, content.ToArray());
        },
        "a message from the server");

    private async Task<T> Bounded<T>(Func<CancellationToken, Task<T>> work, string what)
    {
        using var limit = new CancellationTokenSource(Timeout);
        try
        {
            return await work(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"Waited {Timeout.TotalSeconds} s for {what} at {path}, in vain.");
        }
    }
}
