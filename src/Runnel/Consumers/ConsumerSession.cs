using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Consumers;

/// <summary>Runs one consumer on one connection: makes it, gives it its events one at a time, ends it.</summary>
internal sealed partial class ConsumerSession : IConsumerSession, IThreadPoolWorkItem, IEventSink
{
    private readonly ConsumerDescriptor _descriptor;
    private WebSocketConsumer? _consumer;
    private AsyncServiceScope? _services;
    private ConsumerTurn _turn;
    private bool _failed;

    /// <summary>Creates the session of a connection whose socket may be anywhere.</summary>
    public ConsumerSession(SessionHost host, Connection connection, ConsumerDescriptor descriptor, Func<IEventSink, IMembership> membership)
    {
        _descriptor = descriptor;
        _turn = ConsumerTurn.Taken(connection.Waiting);
        Context = new ConsumerContext(host, connection, membership(this));
    }

    public Connection Connection => Context.Connection;

    /// <summary>What its consumer sees.</summary>
    public ConsumerContext Context { get; }

    private SessionHost Host => Context.Host;

    public Task ConnectAsync()
    {
        if (Connection.IsOfThisNode)
            Host.Connections.Add(Connection);
        Context.Membership.Begin();
        return BeginAsync(static consumer => consumer.OnConnectAsync(consumer.Gone));
    }

    /// <summary>Makes the consumer of a connection that another worker had.</summary>
    public Task AdoptAsync() => BeginAsync(static consumer => consumer.OnAdoptAsync(consumer.Gone));

    private async Task BeginAsync(Func<WebSocketConsumer, Task> begin)
    {
        try
        {
            var services = Host.Services;
            if (_descriptor.UsesServices)
                services = (_services = services.CreateAsyncScope()).Value.ServiceProvider;
            _consumer = _descriptor.Create(services);
            _consumer.Attach(Context);
            Context.BeginEvent();
            await begin(_consumer);
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

    public ValueTask ReceiveTextAsync(ReadOnlyMemory<byte> utf8) => ReceiveAsync(utf8, isText: true);

    public ValueTask ReceiveBinaryAsync(ReadOnlyMemory<byte> data) => ReceiveAsync(data, isText: false);

    /// <summary>Gives the consumer a message of the client and waits until it is handled, unless the consumer loses its connection before.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isText">Whether it is text.</param>
    /// <param name="isRedelivered">Whether another worker may have handled it before.</param>
    public ValueTask ReceiveAsync(ReadOnlyMemory<byte> message, bool isText, bool isRedelivered = false) => ReceiveAsync(message, isText, isRedelivered, payload: null);

    /// <summary>Gives the consumer a message of a stream and waits until it is handled.</summary>
    public ValueTask ReceivePayloadAsync(JsonElement payload, bool isRedelivered) => ReceiveAsync(default, isText: true, isRedelivered, payload);

    void IEventSink.Post(GroupMessage message)
    {
        lock (this)
        {
            if (_released)
                return; // whoever has the connection now gets it
            if (_turn.IsEnding || _failed)
            {
                LayerTelemetry.MessagesDropped("connection-gone");
                return;
            }
            if (!_turn.TryPost(message, out var begins))
                Cut(_turn.Waiting);
            if (!begins)
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

    private async ValueTask ReceiveAsync(ReadOnlyMemory<byte> message, bool isText, bool isRedelivered, JsonElement? payload)
    {
        if (!await TakeTurnAsync())
            return;
        try
        {
            if (_failed)
                return;
            Connection.IsRedelivered = isRedelivered;
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
            Context.Membership.HandledMessage();
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
                if (!message.IsGap || message.Number != 0)
                    Settle(message); // also what failed: its client would come back to it for ever
                await FailAsync(exception);
            }
            await EndEventAsync();
        }
    }

    private void Settle(GroupMessage message)
    {
        if (message.IsAwaited)
            Context.Membership.Handled(message);
    }

    private Task HandleEventAsync(GroupMessage message)
    {
        Connection.IsRedelivered = message.IsRedelivered;
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
