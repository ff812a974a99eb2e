using System.Net;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>What the tests of the RabbitMQ layer stand on.</summary>
public sealed class RabbitServerTests(SharedRabbitServer shared)
{
    [Fact]
    public async Task A_virtual_host_has_what_a_test_puts_there_and_is_gone_when_it_is_disposed_of()
    {
        var server = await shared.Server;
        var host = await server.CreateHostAsync();
        await using var other = await server.CreateHostAsync();
        await using var connection = await ConnectAsync(host.Address);
        await using var channel = await connection.CreateChannelAsync();

        await channel.ExchangeDeclareAsync("news", ExchangeType.Direct);
        await channel.QueueDeclareAsync("inbox", durable: false, exclusive: true, autoDelete: false, new Dictionary<string, object?> { ["x-max-length"] = 7, ["x-overflow"] = "reject-publish" });
        await channel.QueueBindAsync("inbox", "news", "all");
        await channel.BasicPublishAsync("news", "all", new byte[3]);
        await Wait.Until(async () => (await host.QueueAsync("inbox")).Messages == 1, "the message is there");

        var queue = Assert.Single(await host.QueuesAsync());
        Assert.Equal(("inbox", "classic", false, true, false), (queue.Name, queue.Type, queue.Durable, queue.Exclusive, queue.AutoDelete));
        Assert.Equal((7, "reject-publish"), (queue.Arguments["x-max-length"].GetInt32(), queue.Arguments["x-overflow"].GetString()));
        Assert.Equal((1, 0), (queue.MessagesReady, queue.Consumers));
        var exchange = Assert.Single(await host.ExchangesAsync());
        Assert.Equal(("news", "direct", false, false), (exchange.Name, exchange.Type, exchange.Durable, exchange.AutoDelete));
        Assert.Equal("news -all-> inbox", Assert.Single(await host.BindingsAsync()));
        Assert.Equal(1, await host.CountConnectionsAsync());
        Assert.Empty(await other.QueuesAsync());
        Assert.Empty(await other.ExchangesAsync());
        Assert.Equal(0, await other.CountConnectionsAsync());

        await host.DisposeAsync();
        await Wait.Until(() => !connection.IsOpen, "the connection is closed");
        await AssertRefusedAsync(host.Address);
    }

    [Fact]
    public async Task Connections_can_be_closed_and_queues_deleted_under_their_users()
    {
        await using var host = await shared.CreateHostAsync();
        await using var other = await shared.CreateHostAsync();
        await using var connection = await ConnectAsync(host.Address);
        await using var stranger = await ConnectAsync(other.Address);
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync("inbox", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        Assert.Equal("quorum", (await host.QueueAsync("inbox")).Type);

        await host.DeleteQueueAsync("inbox");
        await host.CloseConnectionsAsync("for a reason");

        await Wait.Until(() => !connection.IsOpen, "the connection is closed");
        Assert.Contains("for a reason", connection.CloseReason!.ReplyText, StringComparison.Ordinal);
        Assert.Empty(await host.QueuesAsync());
        Assert.True(stranger.IsOpen);
    }

    [Fact]
    public async Task A_user_may_do_what_it_is_allowed()
    {
        var server = await shared.Server;
        await using var host = await server.CreateHostAsync();
        var user = await server.CreateUserAsync();
        await AssertRefusedAsync(host.AddressFor(user));

        await host.AllowAsync(user, configure: "^mine-");
        await using var connection = await ConnectAsync(host.AddressFor(user));
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync("mine-1");

        var refused = await Assert.ThrowsAsync<OperationInterruptedException>(() => channel.QueueDeclareAsync("yours-1"));
        Assert.Equal(403, refused.ShutdownReason!.ReplyCode);
    }

    [Fact]
    public async Task A_question_that_has_no_answer_says_why()
    {
        var server = await shared.Server;

        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => server.Probe.AskAsync<int>("1 / 0"));

        Assert.Equal("The broker answered '1 / 0' with '{error,badarith}'.", failed.Message);
    }

    [Fact]
    public async Task A_server_with_TLS_answers_those_who_have_a_certificate_of_its_authority()
    {
        var server = await shared.Server;
        var certificate = X509Certificate2.CreateFromPemFile(server.ClientCertificateFile!, server.ClientKeyFile);

        await using var connection = await ConnectAsync(server, certificate);

        Assert.True(connection.IsOpen);
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(server, certificate: null));
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync($"amqp://127.0.0.1:{server.TlsPort}"));
    }

    [Fact]
    public async Task A_server_that_cannot_start_says_why()
    {
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => RabbitServer.StartAsync(new() { Settings = ["{no_term"] }));

        Assert.Contains("advanced.config", failed.Message, StringComparison.Ordinal);
    }

    // The client does not wait for the broker's word about the virtual host.
    private static async Task AssertRefusedAsync(string address)
    {
        await using var connection = await ConnectAsync(address);
        await Assert.ThrowsAnyAsync<OperationInterruptedException>(() => connection.CreateChannelAsync());
        Assert.Equal(530, connection.CloseReason!.ReplyCode);
    }

    private static Task<IConnection> ConnectAsync(string address) => new ConnectionFactory { Uri = new Uri(address), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();

    private static Task<IConnection> ConnectAsync(RabbitServer server, X509Certificate2? certificate) => new ConnectionFactory
    {
        HostName = IPAddress.Loopback.ToString(),
        Port = server.TlsPort,
        AutomaticRecoveryEnabled = false,
        Ssl = new SslOption("127.0.0.1", enabled: true)
        {
            Certs = certificate is null ? [] : [certificate],
            CertificateValidationCallback = (_, presented, _, _) => presented!.Issuer == X509CertificateLoader.LoadCertificateFromFile(server.AuthorityFile!).Subject,
        },
    }.CreateConnectionAsync();
}
