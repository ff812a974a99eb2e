using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class RabbitAddressTests
{
    [Theory]
    [InlineData("amqp://broker", "broker", 5672, false)]
    [InlineData("amqps://broker", "broker", 5671, true)]
    [InlineData("AMQP://127.0.0.1:7000", "127.0.0.1", 7000, false)]
    [InlineData("amqps://[::1]:7000/", "::1", 7000, true)]
    public void An_address_names_host_port_and_TLS(string text, string host, int port, bool isEncrypted)
    {
        var address = RabbitAddress.Parse(text);

        Assert.Equal((host, port, isEncrypted), (address.Host, address.Port, address.IsEncrypted));
        Assert.Equal(("guest", "guest", "/"), (address.User, address.Password, address.VirtualHost));
    }

    [Theory]
    [InlineData("amqp://app:secret@broker", "app", "secret")]
    [InlineData("amqp://a%3Ab:p%40ss%2Fw%3Ard%25@broker", "a:b", "p@ss/w:rd%")]
    [InlineData("amqp://app:a:b@broker", "app", "a:b")]
    [InlineData("amqp://app@broker", "app", "")]
    public void An_address_names_user_and_password_with_escapes(string text, string user, string password)
    {
        var address = RabbitAddress.Parse(text);

        Assert.Equal((user, password, "broker"), (address.User, address.Password, address.Host));
    }

    [Theory]
    [InlineData("amqp://broker/", "/")]
    [InlineData("amqp://broker/shop", "shop")]
    [InlineData("amqp://broker/%2F", "/")]
    [InlineData("amqp://broker/a%2Fb", "a/b")]
    public void An_address_names_a_virtual_host(string text, string name) => Assert.Equal(name, RabbitAddress.Parse(text).VirtualHost);

    [Fact]
    public void An_address_has_options()
    {
        var address = RabbitAddress.Parse("amqps://broker/shop?prefix=app&wire=django&ca=/etc/ssl/my%20ca.pem&cert=/c.pem&key=/k.pem");

        Assert.Equal(("app", RabbitMQWire.Django), (address.Prefix, address.Wire));
        Assert.Equal(("/etc/ssl/my ca.pem", "/c.pem", "/k.pem"), (address.AuthorityFile, address.CertificateFile, address.KeyFile));
    }

    [Theory]
    [InlineData("http://broker", "This is not the address of a RabbitMQ broker")]
    [InlineData("amqp:broker", "This is not the address of a RabbitMQ broker")]
    [InlineData("amqp://", "This is not the address of a RabbitMQ broker")]
    [InlineData("amqp://broker/a/b", "it has a second '/'")]
    [InlineData("amqp://broker//", "it has a second '/'")]
    [InlineData("amqp://broker?prefix=a/b", "'a/b' is not a prefix")]
    [InlineData("amqp://broker?wire=celery", "There is no wire 'celery'")]
    [InlineData("amqp://broker?heartbeat=1", "no option 'heartbeat'")]
    [InlineData("amqp://broker?wire=", "has no value")]
    [InlineData("amqp://broker?ca=/ca.pem", "are for TLS")]
    [InlineData("amqps://broker?key=/k.pem", "no certificate that it belongs to")]
    public void What_is_no_address_is_refused_with_a_sentence(string text, string sentence)
    {
        var refusal = Assert.Throws<FormatException>(() => RabbitAddress.Parse(text));

        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amqp://app:sec/ret@broker")]
    [InlineData("amqp://app:sec#ret@broker")]
    [InlineData("amqp://app:1/ret@broker")]
    [InlineData("amqp://app:1?ret@broker")]
    public void A_password_that_is_not_escaped_is_not_repeated(string text)
    {
        var refusal = Assert.Throws<FormatException>(() => RabbitAddress.Parse(text));

        Assert.DoesNotContain("ret", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("%2F", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amqp://app:secret@broker/shop", "broker:5672/shop")]
    [InlineData("amqps://app:secret@[::1]:7000", "[::1]:7000")]
    public void The_address_that_people_see_has_no_password(string text, string shown) => Assert.Equal(shown, RabbitAddress.Parse(text).ToString());
}
