using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Consumers;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Runs one consumer on one connection: makes it, gives it its events one at a time, ends it.</summary>
/// <remarks>
/// The carrier calls <see cref="ConnectAsync"/>, then <see cref="ReceiveTextAsync"/> and <see cref="ReceiveBinaryAsync"/> as messages arrive, waiting
/// for each before it reads the next, and <see cref="DisconnectAsync"/> at the end. None of them throws what the consumer threw.
/// </remarks>
public sealed class ConsumerSession : IThreadPoolWorkItem, IEventSink
{
    private static readonly TimeSpan DisconnectLimit = TimeSpan.FromSeconds(30);

    private readonly ConsumerDescriptor _descriptor;
    private WebSocketConsumer? _consumer;
    private AsyncServiceScope? _services;
    private ConsumerTurn _turn = ConsumerTurn.Taken();
    private bool _failed;

    /// <summary>Creates the session of a connection that has a socket of this process to itself.</summary>
    /// <param name="host">What consumers work with.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="descriptor">The kind of consumer; for a client that said hello, as <see cref="DemultiplexerBuilder.Greeted"/> makes it.</param>
    /// <param name="hello">What the client said first, if it speaks <c>runnel.v1</c>.</param>
    public ConsumerSession(SessionHost host, Connection connection, ConsumerDescriptor descriptor, ClientHello? hello = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(descriptor);
        _descriptor = descriptor;
        Context = new ConsumerContext(host, connection, host.MembershipOf(connection, hello, this));
    }

    /// <summary>Creates the session of a connection whose socket may be anywhere.</summary>
    internal ConsumerSession(SessionHost host, Connection connection, ConsumerDescriptor descriptor, Func<IEventSink, IMembership> membership)
    {
        _descriptor = descriptor;
        Context = new ConsumerContext(host, connection, membership(this));
    }

    /// <summary>The connection.</summary>
    public Connection Connection => Context.Connection;

    /// <summary>What its consumer sees.</summary>
    internal ConsumerContext Context { get; }

    private SessionHost Host => Context.Host;

    /// <summary>Makes the consumer and lets it accept or reject.</summary>
    public async Task ConnectAsync()
    {
        Host.Connections.Add(Connection);
        Context.Membership.Begin();
        try
        {
            var services = Host.Services;
            if (_descriptor.UsesServices)
                services = (_services = services.CreateAsyncScope()).Value.ServiceProvider;
            _consumer = _descriptor.Create(services);
            _consumer.Attach(Context);
            Context.BeginEvent();
            await _consumer.OnConnectAsync(Connection.Gone);
        }
        catch (Exception exception)
        {
            await FailAsync(exception);
        }
        finally
        {
            await EndEventAsync();
            await Connection.EndConnectingAsync();
            Context.Membership.Release();
            PassTurnOn();
        }
    }

    /// <summary>Gives the consumer a text message and waits until it is handled.</summary>
    /// <param name="utf8">The whole message as UTF-8; the memory is the caller's again afterwards.</param>
    public ValueTask ReceiveTextAsync(ReadOnlyMemory<byte> utf8) => ReceiveAsync(utf8, isText: true);

    /// <summary>Gives the consumer a binary message and waits until it is handled.</summary>
    /// <param name="data">The whole message; the memory is the caller's again afterwards.</param>
    public ValueTask ReceiveBinaryAsync(ReadOnlyMemory<byte> data) => ReceiveAsync(data, isText: false);

    /// <summary>Gives the consumer a message of a stream and waits until it is handled.</summary>
    internal ValueTask ReceivePayloadAsync(JsonElement payload) => ReceiveAsync(default, isText: true, payload);

    /// <summary>Ends the consumer: its connection leaves its groups, and it is told, after the event it is handling. Called once.</summary>
    /// <param name="code">The code the connection was closed with.</param>
    /// <param name="wasAccepted">Whether it ever was: a consumer is not told of the end of what it rejected.</param>
    public async Task DisconnectAsync(int code, bool wasAccepted = true)
    {
        // In this order: what is sent to a connection that is not counted any more must not reach it.
        Context.Membership.End();
        Host.Connections.Remove(Connection);
        Task turn;
        lock (this)
            turn = _turn.TakeForEndAsync();
        await turn;
        try
        {
            try
            {
                if (_consumer is not null && wasAccepted)
                    await TellOfEndAsync(_consumer, code);
            }
            finally
            {
                await DisposeConsumerAsync();
            }
        }
        catch (Exception exception)
        {
            Log.DisconnectFailed(Host.Node.Logger, exception, _descriptor.Name, Connection.Number);
        }
    }

    void IEventSink.Post(GroupMessage message)
    {
        lock (this)
        {
            if (_turn.IsEnding || _failed)
            {
                LayerTelemetry.MessagesDropped("connection-gone");
                return;
            }
            if (_turn.Waiting > 0 && _turn.WaitingCost + message.Cost > Host.Node.Options.MaxWaitingEventBytes)
            {
                Cut(_turn.Waiting);
                return;
            }
            if (!_turn.Post(message))
                return;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IEventSink.OnOverflow(int held)
    {
        lock (this)
            Cut(held); // never a silent gap: who connects so slowly that messages are lost has to come back
    }

    void IThreadPoolWorkItem.Execute() => _ = HandleEventsAsync();

    private async ValueTask ReceiveAsync(ReadOnlyMemory<byte> message, bool isText, JsonElement? payload = null)
    {
        if (!await TakeTurnAsync())
            return;
        try
        {
            if (_failed)
                return;
            Context.BeginEvent();
            await (payload is { } json ? _consumer!.OnPayloadAsync(json, Connection.Gone)
                : isText ? _consumer!.OnTextAsync(message, Connection.Gone)
                : _consumer!.OnReceiveAsync(message, Connection.Gone));
        }
        catch (Exception exception)
        {
            await FailAsync(exception);
        }
        finally
        {
            await EndEventAsync();
            PassTurnOn();
        }
    }

    private async ValueTask EndEventAsync()
    {
        try
        {
            await Context.EndEventAsync();
        }
        catch (Exception exception)
        {
            await FailAsync(exception);
        }
    }

    private async Task HandleEventsAsync()
    {
        while (true)
        {
            GroupMessage? message;
            lock (this)
            {
                if (!_turn.TryNext(out message))
                    return;
            }
            try
            {
                if (_failed)
                    LayerTelemetry.MessagesDropped("connection-gone");
                else
                {
                    await HandleEventAsync(message);
                    Settle(message);
                }
            }
            catch (Exception exception)
            {
                if (!message.IsGap)
                    Settle(message); // also what failed: its client would come back to it for ever
                await FailAsync(exception);
            }
            await EndEventAsync();
        }
    }

    private void Settle(GroupMessage message)
    {
        if (message.Place is not null)
            Context.Membership.Handled(message);
    }

    private Task HandleEventAsync(GroupMessage message)
    {
        if (message.Place is { IsGap: true } gap)
        {
            Context.BeginEvent();
            return _consumer!.OnGapAsync(gap.Group, Connection.Gone);
        }
        var type = message.Envelope.Message.Type;
        if (_descriptor.HandlerOf(type) is not { } handler)
        {
            Log.EventNotHandled(Host.Node.Logger, _descriptor.Name, type);
            LayerTelemetry.MessagesDropped("no-handler");
            return Task.CompletedTask;
        }
        object? body = null;
        try
        {
            if (handler.BodyType is not null)
                body = message.ReadBody(handler.BodyType, Host.Node.Options.Json);
        }
        catch (JsonException exception)
        {
            // The sender's fault, and every member of the group gets the same: it must not cost them their connections.
            Log.EventUnreadable(Host.Node.Logger, exception, _descriptor.Name, type);
            LayerTelemetry.MessagesDropped("unreadable");
            return Task.CompletedTask;
        }
        Context.BeginEvent();
        return handler.InvokeAsync(_consumer!, body, Connection.Gone);
    }

    private async Task DisposeConsumerAsync()
    {
        try
        {
            if (_consumer is IAsyncDisposable asynchronously)
                await asynchronously.DisposeAsync();
            else if (_consumer is IDisposable disposable)
                disposable.Dispose();
        }
        finally
        {
            if (_services is { } services)
                await services.DisposeAsync();
        }
    }

    private async Task TellOfEndAsync(WebSocketConsumer consumer, int code)
    {
        using var limit = new CancellationTokenSource(DisconnectLimit, Host.Node.TimeProvider);
        Context.BeginEvent();
        try
        {
            await consumer.OnDisconnectAsync(code, limit.Token);
        }
        finally
        {
            await EndEventAsync();
        }
    }

    private Task<bool> TakeTurnAsync()
    {
        lock (this)
            return _turn.TakeAsync();
    }

    private void PassTurnOn()
    {
        bool eventsWait;
        lock (this)
            eventsWait = _turn.PassOn();
        if (eventsWait)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private Task FailAsync(Exception exception)
    {
        if (exception is OperationCanceledException && Connection.Gone.IsCancellationRequested)
            return Task.CompletedTask; // the consumer did as it was told: the client is gone
        lock (this)
        {
            if (_failed)
                return Task.CompletedTask;
            _failed = true;
        }
        Log.ConsumerFailed(Host.Node.Logger, exception, _descriptor.Name, Connection.Number);
        return Connection.CloseAsync(CloseCode.InternalError, "The server failed to handle this connection.");
    }

    // Called with the lock held, and perhaps with a group's, in the middle of its fan-out: closing makes a stream leave its groups, and may wait.
    private void Cut(int waiting)
    {
        LayerTelemetry.MessagesDropped("consumer-busy");
        if (_failed)
            return;
        _failed = true;
        Log.ConsumerTooBusy(Host.Node.Logger, _descriptor.Name, Connection.Number, waiting);
        ThreadPool.UnsafeQueueUserWorkItem(
            static connection => _ = connection.CloseAsync(CloseCode.TryAgainLater, "The consumer could not keep up."), Connection, preferLocal: false);
    }
}
