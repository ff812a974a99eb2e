using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests;

public sealed class UnheardMessagesTests : IDisposable
{
    private const int NodeGone = 404;

    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;

    public UnheardMessagesTests() => _loggers = new LoggerFactory([_log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });

    public void Dispose() => _loggers.Dispose();

    [Fact]
    public void What_was_for_a_node_that_is_gone_is_told_but_what_its_link_sends_again_is_counted_there()
    {
        Tell(Topic.OfGroup("articles"), "frame");
        Tell(Topic.OfNode("gone"), "runnel:link");
        Assert.Empty(_log.Of(NodeGone));

        Tell(Topic.OfNode("gone"), "frame");

        Assert.Contains("node:gone", Assert.Single(_log.Of(NodeGone)).Text, StringComparison.Ordinal);
    }

    private void Tell(Topic topic, string type) =>
        UnheardMessages.Tell(topic, EnvelopeFormat.Encode(new Envelope(new Message(type, "packet"u8.ToArray()))), _loggers.CreateLogger("Runnel.Tests"));
}
