using Runnel.Layers;
using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class StoredMessageTests
{
    [Fact]
    public void A_message_that_is_stored_anew_can_still_be_told_by_others_and_belongs_to_its_trace()
    {
        var headers = new Dictionary<string, string> { ["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
        var sent = StoredMessage.Of(new Envelope(new Message("pay", "5"u8.ToArray(), headers)) { Id = MessageId.New(TimeProvider.System) });

        Assert.True(StoredMessage.TryRead(sent.Properties(), sent.Bytes, out var read));
        var again = read.Properties(("runnel-later", "note"));

        Assert.Equal((sent.Id.ToString(), "pay", true), (again.MessageId, again.Type, again.Persistent));
        Assert.Equal(headers["traceparent"], MessageHeaders.Text(again.Headers, "traceparent"));
        Assert.Equal("note", MessageHeaders.Text(again.Headers, "runnel-later"));
    }
}
