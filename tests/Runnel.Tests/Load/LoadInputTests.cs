using System.Net;
using System.Text;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>What a load test is told, and what the machine allows.</summary>
public sealed class LoadInputTests
{
    [Theory]
    [InlineData("ws://host/a?b=c", "ws://host:80/a?b=c")]
    [InlineData("http://host:5080/ws", "ws://host:5080/ws")]
    [InlineData("https://host/ws", "wss://host:443/ws")]
    [InlineData("wss://[::1]:8443", "wss://[::1]:8443/")]
    public void An_address_is_that_of_a_socket(string text, string target)
    {
        Assert.Equal(target, Target.Parse(text).ToString());
    }

    [Theory]
    [InlineData("host/ws", "is not the address of a WebSocket")]
    [InlineData("ftp://host/ws", "is not the address of a WebSocket")]
    [InlineData("ws://user:secret@host/ws", "--header")]
    public void What_is_no_address_of_a_socket_is_refused(string text, string words)
    {
        Assert.Contains(words, Assert.Throws<FormatException>(() => Target.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no colon", "is not a header")]
    [InlineData(": value", "is not a header")]
    [InlineData("a b: value", "is not a header")]
    [InlineData("A: b\r\nC: d", "is not a header")]
    [InlineData("Host: elsewhere", "sets the header 'Host' itself")]
    public void What_is_no_header_is_refused(string text, string words)
    {
        Assert.Contains(words, Assert.Throws<FormatException>(() => Header.Parse(text)).Message, StringComparison.Ordinal);
        Assert.Equal(new Header("X-Api-Key", "dev"), Header.Parse("X-Api-Key: dev"));
    }

    [Fact]
    public void A_mark_is_found_whatever_stands_around_it()
    {
        var mark = new Mark("0a1b2c3d");
        var text = $"<b>{mark.Of(0, 1)}</b>{mark.Of(41, 123)}{new Mark("ffffffff").Of(0, 2)} rl0a1b2c3d-7 rl0a1b2c3d-7-8 {mark.Of(2, 3)}";

        Assert.Equal([(0, 1), (41, 123), (2, 3)], Found(mark, text));
    }

    [Fact]
    public void A_body_is_filled_in()
    {
        var body = MessageTemplate.Parse("""{"a":"{mark}","b":{n},"c":{publisher},"d":"{mark}"}""").Fill(new Mark("0a1b2c3d"), publisher: 1, number: 7);

        Assert.Equal("""{"a":"rl0a1b2c3d-2-7x","b":7,"c":2,"d":"rl0a1b2c3d-2-7x"}""", body);
        Assert.Contains("{mark}", Assert.Throws<FormatException>(() => MessageTemplate.Parse("""{"n":{n}}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_an_address_has_no_port_left_the_next_one_of_the_loopback_is_taken()
    {
        var sources = new SourceAddresses(SourceAddresses.PortsIn("32768\t60999\n"));

        Assert.Null(sources.Of(27_231, IPAddress.Loopback));
        Assert.Equal("127.0.0.2", sources.Of(27_232, IPAddress.Loopback)?.ToString());
        Assert.Equal("127.0.0.3", sources.Of(2 * 27_232, IPAddress.Loopback)?.ToString());
        Assert.Null(sources.Of(27_232, IPAddress.Parse("192.0.2.1")));
        Assert.Null(sources.Of(27_232, IPAddress.IPv6Loopback));
    }

    [Fact]
    public void A_limit_of_files_that_is_too_low_is_a_sentence_that_says_how_to_raise_it()
    {
        var limit = FileLimit.LimitIn(["Limit                     Soft Limit           Hard Limit           Units", "Max open files            1024                 524288               files"]);

        var problem = FileLimit.ProblemWith(5_000, limit);

        Assert.Equal(1024, limit);
        Assert.Contains("5,000 connections need 5,300 open files, and this process may have 1,024.", problem, StringComparison.Ordinal);
        Assert.Contains("ulimit -n 5300", problem, StringComparison.Ordinal);
        Assert.Null(FileLimit.ProblemWith(700, limit));
        Assert.Null(FileLimit.ProblemWith(5_000, FileLimit.LimitIn(["Max open files            unlimited            unlimited            files"])));
    }

    private static List<(int Publisher, int Number)> Found(Mark mark, string text)
    {
        List<(int, int)> found = [];
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text);
        while (mark.TryFind(ref bytes, out var publisher, out var number))
            found.Add((publisher, number));
        return found;
    }
}
