using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Handover;
using Runnel.AspNetCore.Sockets;

namespace Runnel.AspNetCore;

/// <summary>Answers the requests of one mapped consumer: checks, admits, runs the connection, and cleans up after it.</summary>
internal sealed class ConsumerEndpoint(
    ConsumerDescriptor descriptor,
    ConsumerEndpointOptions options,
    NodeContext node,
    ConsumerSessions sessions,
    ConnectionLimits limits,
    Handshakes handshakes,
    RefusalLog refusals,
    IOptions<GatewayOptions> gateway,
    Drain drain)
{
    /// <summary>The request delegate.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!WebSocketHandshake.IsValid(context, out var problem))
        {
            context.Response.Headers.SecWebSocketVersion = "13";
            return Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "handshake", problem);
        }
        if (!OriginPolicy.IsAllowed(context.Request, options.AllowedOrigins))
        {
            Log.OriginRefused(node.Logger, context.Request.Path, context.Request.Headers.Origin.ToString());
            return Refusal.WriteAsync(context, StatusCodes.Status403Forbidden, "origin", "Pages of this origin may not connect here.");
        }
        if (drain.Closing.IsCancellationRequested)
            return Refusal.StoppingAsync(context);

        var address = context.Connection.RemoteIpAddress;
        var admission = TryEnter(address);
        return admission == ConnectionAdmission.Admitted ? RunAsync(context, address) : Refusal.NoRoomAsync(context, admission, refusals);
    }

    private ConnectionAdmission TryEnter(System.Net.IPAddress? address)
    {
        if (!handshakes.TryBegin())
            return ConnectionAdmission.TooManyHandshakes;
        var admission = limits.TryEnter(address);
        if (admission != ConnectionAdmission.Admitted)
            handshakes.End();
        return admission;
    }

    private async Task RunAsync(HttpContext context, System.Net.IPAddress? address)
    {
        // A socket is open for as long as its client likes.
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();

        if (context.Request.Headers.GetCommaSeparatedValues(HeaderNames.SecWebSocketProtocol).Contains(ClientHello.Subprotocol))
        {
            await RunGreetedAsync(context, address);
            return;
        }
        var connection = new WebSocketConnection(node, context, options, gateway.Value);
        var session = sessions.NewSession(connection, MappedConsumer.Of(context.GetEndpoint())?.Name, descriptor);
        var code = CloseCode.Abnormal;
        try
        {
            await ConnectAsync(session);
            if (drain.Closing.IsCancellationRequested)
                await connection.CloseAsync(CloseCode.ServiceRestart, "The server is restarting."); // it may have come too late to be among those whose turn comes
            if (connection.Carrier is null)
                Refuse(context, connection);
            else
                code = await new WebSocketReceiver(connection, session, options).RunAsync();
        }
        finally
        {
            connection.EndWork();
            limits.LeaveAddress(address); // its client may be back before its consumer, perhaps in a worker that has to be found first, knows of the end
            await session.DisconnectAsync(code, wasAccepted: connection.Carrier is not null);
            await connection.DisposeAsync();
            limits.LeaveNode();
        }
    }

    private async Task ConnectAsync(IConsumerSession session)
    {
        try
        {
            await session.ConnectAsync();
        }
        finally
        {
            handshakes.End();
        }
    }

    // The socket is open before the consumer connects, so whatever refuses the client closes it.
    private async Task RunGreetedAsync(HttpContext context, System.Net.IPAddress? address)
    {
        var connection = new WebSocketConnection(node, context, options, gateway.Value);
        var receiver = new GreetedReceiver(
            connection, options, gateway.Value, hello => sessions.NewSession(connection, MappedConsumer.Of(context.GetEndpoint())?.Name, descriptor, hello), ConnectAsync);
        var code = CloseCode.Abnormal;
        try
        {
            await connection.OpenAsync();
            code = await receiver.RunAsync(drain.Closing);
        }
        finally
        {
            connection.EndWork();
            limits.LeaveAddress(address); // its client may be back before its consumer, perhaps in a worker that has to be found first, knows of the end
            if (receiver.Session is { } session)
                await session.DisconnectAsync(code);
            else
                handshakes.End(); // it never said hello
            await connection.DisposeAsync();
            limits.LeaveNode();
        }
    }

    private void Refuse(HttpContext context, WebSocketConnection connection)
    {
        if (connection.RefuseUndecided())
            Log.Undecided(node.Logger, descriptor.Name, connection);
        GatewayMetrics.ConnectionWasRefused("consumer");
        context.Response.StatusCode = connection.RefusedWith == 0 ? StatusCodes.Status500InternalServerError : connection.RefusedWith;
        if (context.Response.StatusCode == StatusCodes.Status503ServiceUnavailable)
            context.Response.Headers.RetryAfter = Refusal.RetryAfter;
    }
}
