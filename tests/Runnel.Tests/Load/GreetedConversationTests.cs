using System.Text;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>A client of <c>runnel.v1</c>, without its socket.</summary>
public sealed class GreetedConversationTests
{
    private const string Joined = """{"stream":"news","joined":[{"outcome":"new","position":"t.1","seal":"s"}],"lost":[]}""";

    private readonly SentMessages _sent = new(1, 10);
    private readonly Arrivals _arrivals = Arrivals.OfAll(1);
    private readonly Mark _mark = new("0a1b2c3d");
    private readonly Deliveries _deliveries;
    private readonly GreetedConversation _conversation;
    private readonly List<string> _said = [];

    public GreetedConversationTests()
    {
        _deliveries = new Deliveries(_mark, _sent, TimeProvider.System);
        _conversation = new GreetedConversation(1, _arrivals, _deliveries, "news");
        for (var number = 1; number <= 9; number++)
        {
            _sent.Begin(0, number, due: 0);
            _sent.Confirm(0, number);
        }
        _conversation.Opened(_said.Add);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("""{"stream":"news","joined":[{}]}""")]
    [InlineData("""{"stream":"news","joined":7}""")]
    [InlineData("""{"hello":{"reconnect":{}}}""")]
    [InlineData("""{"stream":"news","close":{}}""")]
    public void What_is_not_of_the_protocol_is_a_fault_of_the_server(string message)
    {
        var fault = Assert.Throws<FaultException>(() => Take(message));

        Assert.Equal(FaultKind.Protocol, fault.Kind);
    }

    [Fact]
    public void It_comes_back_with_the_last_position_of_each_group_of_its_stream()
    {
        Take(Joined);
        Take(Payload(1, "t.2"));
        Take("""{"stream":"other","payload":1,"position":"t.9"}""");
        Take("""{"stream":"news","payload":1,"position":"unknown.9"}""");

        _conversation.Opened(_said.Add);

        Assert.Contains("""{"stream":"news","position":"t.2","seal":"s"}""", _said[1], StringComparison.Ordinal);
        Assert.DoesNotContain(".9", _said[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_position_may_come_without_a_message()
    {
        Take(Joined);
        Take("""{"stream":"news","position":"t.5"}""");

        _conversation.Opened(_said.Add);

        Assert.Contains("""{"stream":"news","position":"t.5","seal":"s"}""", _said[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_may_name_its_mark_twice_and_counts_once()
    {
        Take(Joined);

        Take($$"""{"stream":"news","payload":{"title":"{{_mark.Of(0, 1)}}","slug":"{{_mark.Of(0, 1)}}"},"position":"t.2"}""");

        Assert.Equal((1, 0), (_deliveries.Arrived, _deliveries.Doubled));
    }

    [Fact]
    public void A_snapshot_before_it_has_joined_is_no_delivery()
    {
        Take($$"""{"stream":"news","payload":["{{_mark.Of(0, 1)}}"]}""");
        Take(Joined);
        Take(Payload(2, "t.2"));

        Assert.Equal(2, _arrivals.Of(0)!.Last);
        Assert.Equal([new Hole(1, 1, false)], _arrivals.Of(0)!.MissingUpTo(2).Holes);
    }

    [Theory]
    [InlineData("""{"stream":"news","joined":[{"outcome":"recovered","position":"t.2","seal":"s"}],"lost":[]}""", false)]
    [InlineData("""{"stream":"news","joined":[{"outcome":"gap","position":"t.9","seal":"s"}],"lost":[]}""", true)]
    [InlineData("""{"stream":"news","joined":[{"outcome":"new","position":"t.9","seal":"s"}],"lost":["t.2"]}""", true)]
    [InlineData("""{"stream":"news","joined":[{"outcome":"new"}],"lost":[]}""", true)]
    public void Back_again_it_knows_whether_something_is_missing(string joined, bool isTold)
    {
        Take(Joined);
        Take(Payload(1, "t.2"));
        _conversation.ReturnAfter(FaultException.BrokenOff("cut"));
        _conversation.Opened(_said.Add);

        Take(joined);

        Assert.Equal([new Hole(2, 9, isTold)], _arrivals.Of(0)!.MissingUpTo(9).Holes);
    }

    [Theory]
    [InlineData(nameof(FaultKind.Closed), "1006", true)]
    [InlineData(nameof(FaultKind.Closed), "1012", true)]
    [InlineData(nameof(FaultKind.Closed), "1013", true)]
    [InlineData(nameof(FaultKind.Closed), "1008", false)]
    [InlineData(nameof(FaultKind.Closed), "4410", false)]
    [InlineData(nameof(FaultKind.Closed), "4001", true)]
    [InlineData(nameof(FaultKind.Refused), "503", true)]
    [InlineData(nameof(FaultKind.Refused), "403", false)]
    [InlineData(nameof(FaultKind.Unreachable), "ConnectionRefused", true)]
    [InlineData(nameof(FaultKind.Protocol), "", false)]
    public void It_comes_back_where_the_protocol_says_so(string kind, string detail, bool comesBack)
    {
        Take(Joined);

        Assert.Equal(comesBack, _conversation.ReturnAfter(new FaultException(Enum.Parse<FaultKind>(kind), detail, "")) is not null);
    }

    [Fact]
    public void A_client_that_is_back_waits_as_if_it_had_never_failed()
    {
        Take("""{"hello":{"reconnect":{"after":5,"within":0}}}""");
        Take(Joined);
        _conversation.ReturnAfter(Cut);
        Assert.NotEqual(TimeSpan.FromMilliseconds(5), _conversation.ReturnAfter(Cut)); // the attempt failed

        Take(Joined);

        Assert.Equal(TimeSpan.FromMilliseconds(5), _conversation.ReturnAfter(Cut));
    }

    private static FaultException Cut => FaultException.BrokenOff("cut");

    private void Take(string message) => _conversation.Take(Encoding.UTF8.GetBytes(message), now: 0);

    private string Payload(int number, string position) => $$"""{"stream":"news","payload":{"mark":"{{_mark.Of(0, number)}}"},"position":"{{position}}"}""";
}
