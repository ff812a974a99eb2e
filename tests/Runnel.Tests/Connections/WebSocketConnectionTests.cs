using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.InMemory;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What happens to a connection while it is accepted.</summary>
public sealed class WebSocketConnectionTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly HeldUpgrade _upgrade = new();

    [Fact]
    public async Task A_close_during_the_upgrade_is_sent_as_soon_as_the_socket_is_there()
    {
        await using var connection = Connect();
        var accepting = connection.AcceptAsync(AcceptOptions.Default);

        await Wait.For(connection.CloseAsync(CloseCode.ServiceRestart, "The server is restarting."), "the close");
        await Wait.For(connection.CloseAsync(CloseCode.Normal), "another close, which does nothing");
        _upgrade.GoOn();
        await Wait.For(accepting, "the upgrade");

        var read = await Wait.For(_upgrade.Sent.ReadAsync().AsTask(), "the close frame");
        Assert.Equal(Frame.Close(CloseCode.ServiceRestart, "The server is restarting.").Wire.ToArray(), read.Buffer.ToArray());
        Assert.Equal(CloseCode.ServiceRestart, connection.ClosedWith);
    }

    [Fact]
    public async Task A_close_goes_on_although_its_caller_does_not_wait_for_it_any_longer()
    {
        await using var connection = Connect();
        _upgrade.GoOn();
        await Wait.For(connection.AcceptAsync(AcceptOptions.Default), "the upgrade");
        var large = Frame.Binary(new byte[1024 * 1024]);
        await connection.Outbound.SendAsync(large); // more than fits between here and a client that does not read
        using var patience = new CancellationTokenSource();
        try
        {
            var closing = connection.CloseAsync(4000, null, patience.Token);
            Assert.False(closing.IsCompleted);
            await patience.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(closing, "the caller to be let go"));
            var close = Frame.Close(4000, null).Wire;
            var sent = new List<byte>();
            while (sent.Count < large.Length + close.Length)
            {
                var read = await Wait.For(_upgrade.Sent.ReadAsync().AsTask(), "what is sent to the client");
                sent.AddRange(read.Buffer.ToArray());
                _upgrade.Sent.AdvanceTo(read.Buffer.End);
            }
            Assert.Equal(close.ToArray(), sent[large.Length..].ToArray());
        }
        finally
        {
            await _upgrade.Sent.CompleteAsync(); // or the connection would wait for its last write for ever
        }
    }

    [Fact]
    public async Task A_connection_that_was_refused_is_not_closed_as_well()
    {
        await using var connection = Connect();
        await connection.RejectAsync();

        await connection.CloseAsync(CloseCode.Normal);

        Assert.Equal((403, 0), (connection.RefusedWith, connection.ClosedWith));
    }

    [Fact]
    public async Task A_subprotocol_that_the_client_does_not_offer_decides_nothing()
    {
        await using var connection = Connect();
        await Assert.ThrowsAsync<InvalidOperationException>(() => connection.AcceptAsync(new AcceptOptions { Subprotocol = "v3" }));

        _upgrade.GoOn();
        await Wait.For(connection.AcceptAsync(AcceptOptions.Default), "the upgrade");

        Assert.NotNull(connection.Carrier);
    }

    private WebSocketConnection Connect()
    {
        var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        var context = new DefaultHttpContext();
        context.Request.Headers.SecWebSocketKey = "dGhlIHNhbXBsZSBub25jZQ==";
        context.Features.Set<IHttpUpgradeFeature>(_upgrade);
        return new WebSocketConnection(node.Context, context, new ConsumerEndpointOptions(), new GatewayOptions());
    }

    /// <summary>Upgrades only when it is told to go on.</summary>
    private sealed class HeldUpgrade : IHttpUpgradeFeature
    {
        private readonly Pipe _pipe = new();
        private readonly TaskCompletionSource<Stream> _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsUpgradableRequest => true;

        /// <summary>What was sent to the client.</summary>
        public PipeReader Sent => _pipe.Reader;

        public void GoOn() => _goesOn.SetResult(_pipe.Writer.AsStream());

        public Task<Stream> UpgradeAsync() => _goesOn.Task;
    }
}
