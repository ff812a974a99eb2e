using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Methods that cannot handle events are refused when the consumer is mapped.</summary>
public sealed class HandlerSignatureTests
{
    [Fact]
    public void A_handler_with_a_wrong_signature_is_refused_when_it_is_mapped()
    {
        Assert.Contains("public instance method", Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<Private>()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<TwoBodies>());
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<ReturnsVoid>());
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<Static>());
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<Generic>());
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<ByReference>());
        Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<OfTheBasesOwn>());
    }

    [Fact]
    public void Two_handlers_of_one_type_are_refused_when_they_are_mapped()
    {
        var refused = Assert.Throws<ArgumentException>(() => ConsumerDescriptor.For<Twice>());

        Assert.Contains("'tick'", refused.Message, StringComparison.Ordinal);
    }

    public sealed class Private : WebSocketConsumer
    {
        [Handles("tick")]
        internal Task OnTickAsync() => Task.CompletedTask;
    }

    public abstract class WithAPrivateHandler : WebSocketConsumer
    {
        [Handles("tick")]
        private Task OnTickAsync() => Task.CompletedTask;
    }

    public sealed class OfTheBasesOwn : WithAPrivateHandler;

    public sealed class TwoBodies : WebSocketConsumer
    {
        [Handles("tick")]
        public Task OnTickAsync(int first, int second) => Task.FromResult(first + second);
    }

    public sealed class ReturnsVoid : WebSocketConsumer
    {
        [Handles("tick")]
        public void OnTick()
        {
        }
    }

    public sealed class Static : WebSocketConsumer
    {
        [Handles("tick")]
        public static Task OnTickAsync() => Task.CompletedTask;
    }

    public sealed class Generic : WebSocketConsumer
    {
        [Handles("tick")]
        public Task OnTickAsync<T>(T body) => Task.FromResult(body);
    }

    public sealed class ByReference : WebSocketConsumer
    {
        [Handles("tick")]
        public Task OnTickAsync(ref int body) => Task.FromResult(body);
    }

    public sealed class Twice : WebSocketConsumer
    {
        [Handles("tick")]
        public Task OnFirstAsync() => Task.CompletedTask;

        [Handles("tick")]
        public Task OnSecondAsync() => Task.CompletedTask;
    }
}
