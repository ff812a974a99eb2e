using Runnel.InMemory;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a connection keeps, whether anybody adopts it or not.</summary>
public sealed class KeptTests
{
    private readonly FakeNode _node = FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));

    [Fact]
    public void A_connection_keeps_the_value_as_it_was_at_that_moment()
    {
        var connection = new FakeConnection(_node);
        Assert.Null(connection.GetKept<List<int>>());
        List<int> value = [1, 2];

        connection.Keep(value);
        value.Add(3);

        Assert.Equal([1, 2], connection.GetKept<List<int>>());
        Assert.False(connection.IsRedelivered);
    }

    [Fact]
    public void A_value_that_is_too_large_is_refused_and_the_one_before_is_kept()
    {
        var connection = new FakeConnection(_node);
        connection.Keep(new string('x', Connection.MaxKeptBytes - 2)); // its quotes fill it
        connection.Keep("small");

        var refused = Assert.Throws<ArgumentException>(() => connection.Keep(new string('x', Connection.MaxKeptBytes)));

        Assert.Contains("at most 16384 bytes", refused.Message, StringComparison.Ordinal);
        Assert.Equal("small", connection.GetKept<string>());
    }

    [Fact]
    public void A_consumer_can_be_adopted_if_it_says_how_and_a_shared_socket_if_all_of_its_consumers_can()
    {
        var lambda = ConsumerDescriptor.For(new ConsumerBuilder().OnAdopt((_, _) => Task.CompletedTask));

        Assert.False(ConsumerDescriptor.For<Staying>().CanBeAdopted);
        Assert.True(ConsumerDescriptor.For<Moving>().CanBeAdopted);
        Assert.False(ConsumerDescriptor.For(new ConsumerBuilder()).CanBeAdopted);
        Assert.True(lambda.CanBeAdopted);
        Assert.True(DemultiplexerBuilder.Greeted(lambda).CanBeAdopted);
        Assert.True(new DemultiplexerBuilder().Stream<Moving>("a").Stream<AlsoMoving>("b").Describe().CanBeAdopted);
        Assert.False(new DemultiplexerBuilder().Stream<Moving>("a").Stream<Staying>("b").Describe().CanBeAdopted);
    }

    public sealed class Staying : WebSocketConsumer;

    public class Moving : WebSocketConsumer
    {
        public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public sealed class AlsoMoving : Moving;
}
