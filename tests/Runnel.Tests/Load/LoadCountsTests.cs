using System.Net;
using System.Net.Sockets;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>What a load test counts of what went wrong, and how much of it it tells.</summary>
public sealed class LoadCountsTests
{
    private static readonly Mark Mark = new("0a1b2c3d");

    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task Messages_that_are_due_when_the_time_is_over_are_not_sent_and_spoil_the_verdict()
    {
        var settings = Settings with { Publishers = 2, Rate = 10, Duration = TimeSpan.FromSeconds(1) };
        var sent = new SentMessages(settings.Senders, settings.MessagesOfEach);
        var loops = new SendingLoops(settings, Mark, sent, new Faults(), _clock);

        await Wait.For(loops.PublishAsync(new SlowPublisher(_clock), CancellationToken.None), "the time to be over");
        var verdict = new Checker(sent, new Deliveries(Mark, sent, _clock)).Judge([], loops.Unsent, isInterrupted: false);

        Assert.Equal((1, 9), (sent.Confirmed, loops.Unsent));
        Assert.Equal(["9 messages were due and were not sent in time."], verdict.Reasons);
        Assert.False(verdict.IsGood);
    }

    [Fact]
    public async Task A_publication_that_is_not_answered_is_given_up_after_the_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var publisher = new HttpPublisher(new Uri($"http://{silent.LocalEndpoint}/"), Settings with { Timeout = TimeSpan.FromSeconds(7) }, _clock);

        var publishing = publisher.PublishAsync("{}", CancellationToken.None);
        await Wait.Until(() => _clock.ArmedTimers > 0, "it waits");
        _clock.Advance(TimeSpan.FromSeconds(7));

        var fault = await Assert.ThrowsAsync<FaultException>(() => Wait.For(publishing, "the end"));
        Assert.Equal((FaultKind.TimedOut, "publish"), (fault.Kind, fault.Detail));
        Assert.EndsWith("took longer than 7 s.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_few_examples_are_told_of_each_connection_and_the_others_counted()
    {
        var examples = new Examples();
        for (var connection = 1; connection <= 10; connection++)
        {
            for (var number = 1; number <= 5; number++)
                examples.Add(connection, $"message {number} came again");
        }

        var (sentences, more) = examples.Read();

        Assert.Equal((20, 30), (sentences.Count, more));
        Assert.Equal(Enumerable.Range(1, 3).Select(number => $"connection 1: message {number} came again"), sentences.Take(3));
        Assert.Equal("connection 2: message 1 came again", sentences[3]);
    }

    [Fact]
    public void So_many_kinds_of_errors_are_told_apart_the_most_frequent_first_and_none_is_lost()
    {
        var faults = new Faults();
        for (var code = 0; code < Faults.Most + 5; code++)
            faults.Add(new FaultException(FaultKind.Closed, $"{4000 + code}", $"It closed with {4000 + code}."));
        faults.Add(new FaultException(FaultKind.Closed, "4007", "It closed again."));

        var counts = faults.Read();

        Assert.Equal((Faults.Most + 6, Faults.Most + 6), (faults.Total, counts.Sum(count => count.Count)));
        Assert.Equal([("…", 5L, "It closed with 4050."), ("4007", 2L, "It closed with 4007.")], counts.Take(2).Select(count => (count.Detail, count.Count, count.Example)));
        Assert.Equal(Faults.Most + 1, counts.Count);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH", nameof(FaultKind.Protocol), "is not HTTP")]
    [InlineData("HTTP/1.1 404 Not Found", nameof(FaultKind.Refused), "The server refused the handshake: 404 Not Found.")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: bm90aGluZw==", nameof(FaultKind.Protocol), "does not fit the key")]
    [InlineData("HTTP/1.1 101 Switching Protocols", nameof(FaultKind.Protocol), "does not fit the key")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", nameof(FaultKind.Protocol), "does not speak the subprotocol 'chat'")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: other", nameof(FaultKind.Protocol), "does not speak the subprotocol 'chat'")]
    public void What_does_not_answer_the_handshake_is_no_connection(string head, string kind, string words)
    {
        var handshake = new Handshake(Settings.Target, "chat", headers: []);
        const string Key = "dGhlIHNhbXBsZSBub25jZQ=="; // with its answer, from RFC 6455

        var fault = Assert.Throws<FaultException>(() => handshake.Check(head, Key));

        Assert.Equal(Enum.Parse<FaultKind>(kind), fault.Kind);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        handshake.Check("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat", Key);
    }

    private static LoadSettings Settings => new() { Target = Target.Parse("ws://127.0.0.1/ws"), Connections = 1 };

    /// <summary>Takes ten seconds for each message.</summary>
    private sealed class SlowPublisher(ManualTimeProvider clock) : IMessagePublisher
    {
        public Task PublishAsync(string body, CancellationToken cancellationToken)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            return Task.CompletedTask;
        }
    }
}
