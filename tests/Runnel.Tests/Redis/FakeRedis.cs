using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Runnel.Redis.Resp;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Redis;

/// <summary>A server that answers what a connection is greeted with and what one for subscriptions asks, for what no real one would say or do.</summary>
internal static class FakeRedis
{
    /// <summary>One that does something before it confirms a connection's subscriptions; the connections are numbered from 1.</summary>
    public static ScriptedServer BeforeSubscribing(Action<int> act)
    {
        var connections = 0;
        return ScriptedServer.Doing((stream, ending) =>
        {
            var connection = Interlocked.Increment(ref connections);
            return ServeAsync(stream, AnswerAfterActing, ending);

            string AnswerAfterActing(string[] words)
            {
                if (words[0] == "SUBSCRIBE")
                    act(connection);
                return Answer(words);
            }
        });
    }

    /// <summary>One in which nothing is stored, and that says of itself what a test says.</summary>
    /// <param name="facts">What it answers to <c>INFO</c>, whatever section is asked for.</param>
    public static ScriptedServer Describing(Func<string> facts) => ScriptedServer.Doing((stream, ending) => ServeAsync(
        stream,
        words => words switch
        {
            ["INFO", ..] => Bulk(facts()),
            ["EXISTS", ..] => ":0\r\n",
            ["GET", ..] => "$-1\r\n",
            _ => Answer(words),
        },
        ending));

    /// <summary>One that greets whoever comes, and closes the connection then.</summary>
    /// <param name="closes">Called before it closes one.</param>
    public static ScriptedServer ClosingWhatIsGreeted(Action closes) => ScriptedServer.Doing(async (stream, ending) =>
    {
        await ServeAsync(stream, Answer, ending, untilGreeted: true);
        closes();
    });

    private static async Task ServeAsync(NetworkStream stream, Func<string[], string> answer, CancellationToken ending, bool untilGreeted = false)
    {
        var reader = PipeReader.Create(stream);
        while (await reader.ReadAsync(ending) is { IsCompleted: false } read)
        {
            var received = read.Buffer;
            while (RespReader.TryRead(ref received, out var command))
            {
                string[] words = [.. command.Items.Select(word => word.ToString())];
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer(words)), ending);
                if (untilGreeted && words is ["CLIENT", "INFO"])
                    return;
            }
            reader.AdvanceTo(received.Start, received.End);
        }
    }

    private static string Bulk(string text) => $"${text.Length}\r\n{text}\r\n";

    private static string Answer(string[] words) => words switch
    {
        ["SUBSCRIBE", .. var channels] => string.Concat(channels.Select(channel => $">3\r\n$9\r\nsubscribe\r\n${channel.Length}\r\n{channel}\r\n:1\r\n")),
        ["CLIENT", "INFO"] => "+id=1 addr=127.0.0.1:1\r\n",
        _ => "+OK\r\n",
    };
}
