using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What is wrong with a RabbitMQ is said when the layer is opened, in one sentence or two that say what to do.</summary>
public sealed class RabbitMQStartTests(SharedRabbitServer server)
{
    [Fact]
    public async Task No_broker()
    {
        var port = LoopbackPort.Free();

        AssertSays(await FailureOfAsync($"amqp://127.0.0.1:{port}"), $"127.0.0.1:{port}", "No RabbitMQ listens", "running");
    }

    [Fact]
    public async Task No_such_host() => AssertSays(await FailureOfAsync("amqp://no-such-host.invalid"), "no-such-host.invalid", "no host");

    [Fact]
    public async Task A_wrong_password()
    {
        await using var host = await server.CreateHostAsync();
        var user = await (await server.Server).CreateUserAsync();

        var failure = await FailureOfAsync(host.AddressFor(user.Replace(":secret", ":wrong", StringComparison.Ordinal)));

        AssertSays(failure, "password", $"'{user.Split(':')[0]}'", "amqp://user:password@host");
        Assert.DoesNotContain("wrong", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_such_virtual_host()
    {
        var failure = await FailureOfAsync((await server.Server).AddressOf("nowhere"));

        AssertSays(failure, "no virtual host 'nowhere'", "rabbitmqctl add_vhost nowhere");
    }

    [Fact]
    public async Task A_user_who_may_not_enter_the_virtual_host()
    {
        await using var host = await server.CreateHostAsync();
        var user = await (await server.Server).CreateUserAsync();

        var failure = await FailureOfAsync(host.AddressFor(user));

        AssertSays(failure, host.Name, user.Split(':')[0], "rabbitmqctl set_permissions");
    }

    [Fact]
    public async Task A_user_who_may_not_do_what_is_needed()
    {
        await using var host = await server.CreateHostAsync();
        var user = await (await server.Server).CreateUserAsync();
        await host.AllowAsync(user, configure: "none");

        var failure = await FailureOfAsync(host.AddressFor(user));

        AssertSays(failure, "does not let", user.Split(':')[0], "runnel.groups", "rabbitmqctl set_permissions");
    }

    [Fact]
    public async Task A_server_that_is_not_RabbitMQ()
    {
        await using var other = ScriptedServer.Doing((stream, ending) => stream.CopyToAsync(Stream.Null, ending));

        var failure = await FailureOfAsync($"amqp://127.0.0.1:{other.Port}", TimeSpan.FromSeconds(0.5));

        AssertSays(failure, $"127.0.0.1:{other.Port}", "RabbitMQ", "Is the port right");
    }

    [Fact]
    public async Task Mutual_TLS_and_what_may_be_wrong_with_it()
    {
        var tls = await server.Server;
        var port = $"127.0.0.1:{tls.TlsPort}";

        await using (var layer = Layer(tls.TlsAddress))
        {
            await layer.OpenAsync();
            await using var listener = await TopicListener.OnAsync(layer.Backplane!, Topic.OfGroup("articles"));
            await layer.Backplane!.PublishAsync(Topic.OfGroup("articles"), "sealed"u8.ToArray(), retention: null);
            Assert.Equal("sealed", await listener.NextAsync());
        }
        AssertSays(await FailureOfAsync($"amqp://{port}", TimeSpan.FromSeconds(2)), port, "amqps://");
        AssertSays(await FailureOfAsync($"amqps://{port}"), port, "ca=/path/ca.pem");
        AssertSays(await FailureOfAsync($"amqps://{port}?ca={tls.AuthorityFile}"), port, "cert=");
        AssertSays(await FailureOfAsync($"amqps://localhost.localdomain:{tls.TlsPort}?ca={tls.AuthorityFile}"), "localhost.localdomain");
        AssertSays(await FailureOfAsync($"amqps://{port}?ca=/no/such.pem"), "/no/such.pem", "ca=");
    }

    [Fact]
    public async Task TLS_on_a_port_without_it()
    {
        var port = (await server.Server).Port;

        AssertSays(await FailureOfAsync($"amqps://127.0.0.1:{port}", TimeSpan.FromSeconds(2)), $"127.0.0.1:{port}", "TLS", "amqp://");
    }

    private static Layer Layer(string address, TimeSpan? timeout = null) => new RabbitMQLayerFactory(options =>
    {
        if (timeout is { } shorter)
            options.Timeout = shorter;
    }).Create(address, TimeProvider.System, NullLoggerFactory.Instance);

    private static async Task<IOException> FailureOfAsync(string address, TimeSpan? timeout = null)
    {
        await using var layer = Layer(address, timeout);

        return await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(layer.OpenAsync(), "the failure"));
    }

    private static void AssertSays(Exception failure, params string[] parts)
    {
        foreach (var part in parts)
            Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", failure.Message.TrimEnd('?') + (failure.Message.EndsWith('?') ? "." : ""), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }
}
