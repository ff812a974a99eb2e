using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>What the tests stand on that stop or kill a RabbitMQ.</summary>
[Collection(nameof(MortalRabbitServer))]
public sealed class MortalRabbitServerTests(MortalRabbitServer mortal)
{
    [Fact]
    public async Task A_server_can_be_paused_and_killed_with_its_epmd_and_comes_back_with_what_was_durable()
    {
        var server = mortal.Server;
        var (port, id) = (server.Port, server.Id);
        await using var host = await server.CreateHostAsync();
        await using (var connection = await ConnectAsync(host.Address))
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
            await channel.QueueDeclareAsync("kept", durable: true, exclusive: false, autoDelete: false);
            await channel.QueueDeclareAsync("lost", durable: false, exclusive: false, autoDelete: false);
            await channel.BasicPublishAsync("", "kept", mandatory: true, new BasicProperties { Persistent = true }, new byte[100]);

            await server.PauseAsync();
            var answer = host.CountConnectionsAsync();
            Assert.False(answer.IsCompleted);
            await server.ResumeAsync();
            Assert.Equal(1, await answer);

            await server.SetMemoryAlarmAsync(isOn: true);
            await server.SetMemoryAlarmAsync(isOn: false);
            await server.Probe.DoAsync("mnesia:sync_log()"); // the names of queues that were declared in the last moments are not on disk yet
            await server.PauseAsync();
            await server.KillAsync();
        }

        await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(host.Address));
        Assert.False(Directory.Exists($"/proc/{id}"));
        using var visitor = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(() => visitor.ConnectAsync(IPAddress.Loopback, server.NamesPort));
        await server.RestartAsync();
        var queue = Assert.Single(await host.QueuesAsync());
        Assert.Equal(("kept", 1, port), (queue.Name, queue.Messages, server.Port));
        Assert.NotEqual(id, server.Id);
    }

    private static Task<IConnection> ConnectAsync(string address) => new ConnectionFactory { Uri = new Uri(address), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
}
