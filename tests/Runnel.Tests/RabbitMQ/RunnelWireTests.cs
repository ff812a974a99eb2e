using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Topics;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What Runnel's nodes write on the exchange of the groups, and read there.</summary>
public sealed class RunnelWireTests
{
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly RunnelWire _wire = new(new RabbitMQOptions());

    [Theory]
    [InlineData("text")]
    [InlineData("")]
    public void A_message_is_read_as_it_was_written_with_its_number(string text)
    {
        _wire.Write(Articles, default);
        var heard = _wire.Read(_wire.Write(Articles, Encoding.UTF8.GetBytes(text)).Body);

        Assert.Equal((text, 2), (Encoding.UTF8.GetString(heard.Payload!.Value.Span), heard.Number));
    }

    [Fact]
    public void A_count_is_the_number_of_the_last_message_and_no_message()
    {
        var last = _wire.Read(_wire.Write(Articles, default).Body);

        var count = _wire.Read(_wire.WriteCount(Articles)!.Value.Body);

        Assert.Null(count.Payload);
        Assert.Equal((last.Publisher, last.Number), (count.Publisher, count.Number));
    }
}
