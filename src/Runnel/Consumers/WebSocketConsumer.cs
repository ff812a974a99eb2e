using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Runnel.Consumers;
using Runnel.Layers;

namespace Runnel;

/// <summary>The application's side of a connection: one instance per connection, from dependency injection, with fields for its state.</summary>
/// <remarks>
/// <para>
/// Events of one connection (connect, messages, group events, disconnect) are handled one at a time, in the order they arrived; a method
/// may take its time without holding up any other connection. Different connections run in parallel.
/// </para>
/// <para>
/// Frames of groups that arrive while <see cref="OnConnectAsync"/> runs are held back until it has returned, so that what it sends
/// itself, such as a snapshot, comes first. An exception is logged and closes this connection with <see cref="CloseCode.InternalError"/>.
/// </para>
/// </remarks>
public abstract class WebSocketConsumer
{
    private ConsumerContext? _context;

    /// <summary>The connection.</summary>
    protected Connection Connection => Context.Connection;

    /// <summary>What is known about the client.</summary>
    protected ConsumerScope Scope => Connection.Scope;

    /// <summary>The user whom ASP.NET Core authenticated.</summary>
    protected ClaimsPrincipal User => Scope.User;

    /// <summary>The groups: this connection joins and leaves them, and sends to any of them.</summary>
    protected ConnectionGroups Groups => Context.Groups;

    /// <summary>Sends to other connections by their channel names.</summary>
    protected IChannels Channels => Context.Channels;

    /// <summary>Services for the event that is being handled. Scoped services live until the method that handles it has returned.</summary>
    /// <remarks>
    /// Take services from here that belong to one piece of work, such as an Entity Framework Core context. What the constructor takes lives as long as the
    /// connection, which may be days.
    /// </remarks>
    /// <exception cref="InvalidOperationException">No event is being handled.</exception>
    protected IServiceProvider Services => Context.Services
        ?? throw new InvalidOperationException($"{GetType().Name} has no services while it handles no event: take what you need from Services before the method returns.");

    private protected ConsumerContext Context =>
        _context ?? throw new InvalidOperationException($"{GetType().Name} has no connection yet: use it from OnConnectAsync on, not in the constructor.");

    /// <summary>A client wants to connect: accept or reject it. Accepts by default. If you do neither, the client is rejected.</summary>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnConnectAsync(CancellationToken cancellationToken) => AcceptAsync(cancellationToken);

    /// <summary>The connection has come from another worker, which left or died. This consumer was made afresh: what the other one had in its fields is gone.</summary>
    /// <remarks>
    /// Override it if <see cref="Connection.GetKept{T}"/> has all that your consumer needs to go on, even if there is nothing to do. The connection is accepted and still in its groups, and its client
    /// notices nothing. The events that the other worker had not handled follow; <see cref="Connection.IsRedelivered"/> tells those that it may have begun. If you do not override it, Runnel closes
    /// such a connection with <see cref="CloseCode.ServiceRestart"/> instead, and the client comes back.
    /// </remarks>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The client sent text. By default, this closes the connection with <see cref="CloseCode.UnsupportedData"/>, so that nothing is ignored silently.</summary>
    /// <param name="text">The whole message.</param>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnReceiveAsync(string text, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "This endpoint takes no text messages.", cancellationToken);

    /// <summary>The client sent bytes. By default, this closes the connection with <see cref="CloseCode.UnsupportedData"/>, so that nothing is ignored silently.</summary>
    /// <param name="data">The whole message; valid until the method's task has completed.</param>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "This endpoint takes no binary messages.", cancellationToken);

    /// <summary>Messages of a group are missing here, or may be missing: the node was cut off, or the group's history did not reach far enough.</summary>
    /// <remarks>
    /// By default, this closes the connection with <see cref="CloseCode.TryAgainLater"/>, so that the client comes back and its consumer starts from the present state. A consumer that overrides it sends
    /// the present state itself. Also called for groups without history: what is sent while a node is cut off from the layer is lost for its members.
    /// </remarks>
    /// <param name="group">The group.</param>
    /// <param name="cancellationToken">Cancelled when the client is gone.</param>
    public virtual Task OnGapAsync(GroupName group, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.TryAgainLater, "Messages of a group are missing. Come back and start from the present state.", cancellationToken);

    /// <summary>The connection is over; it has left its groups. Called once, also after a failure; not for a connection that was rejected.</summary>
    /// <param name="code">The code it was closed with; <see cref="CloseCode.Abnormal"/> when it broke off.</param>
    /// <param name="cancellationToken">Cancelled after 30 seconds.</param>
    public virtual Task OnDisconnectAsync(int code, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc cref="Connection.AcceptAsync"/>
    protected Task AcceptAsync(CancellationToken cancellationToken = default) => Connection.AcceptAsync(AcceptOptions.Default, cancellationToken);

    /// <inheritdoc cref="Connection.AcceptAsync"/>
    protected Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default) => Connection.AcceptAsync(options, cancellationToken);

    /// <inheritdoc cref="Connection.RejectAsync"/>
    protected Task RejectAsync(CancellationToken cancellationToken = default) => Connection.RejectAsync(cancellationToken);

    /// <inheritdoc cref="Connection.SendAsync(string, CancellationToken)"/>
    protected ValueTask SendAsync(string text, CancellationToken cancellationToken = default) => Connection.SendAsync(text, cancellationToken);

    /// <inheritdoc cref="Connection.SendAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    protected ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => Connection.SendAsync(data, cancellationToken);

    /// <inheritdoc cref="Connection.CloseAsync"/>
    protected Task CloseAsync(int code = CloseCode.Normal, string? reason = null, CancellationToken cancellationToken = default) =>
        Connection.CloseAsync(code, reason, cancellationToken);

    /// <summary>Cancelled when the client is gone.</summary>
    internal CancellationToken Gone => Connection.Gone;

    internal void Attach(ConsumerContext context) => _context = context;

    /// <summary>The consumer handles nothing more: those that share its connection handle nothing more, either.</summary>
    internal virtual Task OnRestAsync() => Task.CompletedTask;

    /// <summary>The consumer loses its connection: those that share it do, too.</summary>
    internal virtual Task OnReleaseAsync() => Task.CompletedTask;

    internal virtual Task OnTextAsync(ReadOnlyMemory<byte> utf8, CancellationToken cancellationToken) =>
        OnReceiveAsync(Encoding.UTF8.GetString(utf8.Span), cancellationToken);

    // What a stream's consumer sends as text is a JSON string in its frame; so a string in a frame is its text.
    internal virtual Task OnPayloadAsync(JsonElement payload, CancellationToken cancellationToken) =>
        OnReceiveAsync(payload.ValueKind == JsonValueKind.String ? payload.GetString()! : payload.GetRawText(), cancellationToken);
}
