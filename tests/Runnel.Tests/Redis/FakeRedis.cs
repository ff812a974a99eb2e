using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Runnel.Redis.Resp;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Redis;

/// <summary>A server that answers what a connection for subscriptions asks, and does before that what a test says.</summary>
internal static class FakeRedis
{
    /// <summary>One that does something before it confirms a connection's subscriptions; the connections are numbered from 1.</summary>
    public static ScriptedServer BeforeSubscribing(Action<int> act)
    {
        var connections = 0;
        return ScriptedServer.Doing((stream, ending) =>
        {
            var connection = Interlocked.Increment(ref connections);
            return ServeAsync(stream, () => act(connection), ending);
        });
    }

    private static async Task ServeAsync(NetworkStream stream, Action beforeSubscribing, CancellationToken ending)
    {
        var reader = PipeReader.Create(stream);
        while (await reader.ReadAsync(ending) is { IsCompleted: false } read)
        {
            var received = read.Buffer;
            while (RespReader.TryRead(ref received, out var command))
            {
                string[] words = [.. command.Items.Select(word => word.ToString())];
                if (words[0] == "SUBSCRIBE")
                    beforeSubscribing();
                await stream.WriteAsync(Encoding.UTF8.GetBytes(Answer(words)), ending);
            }
            reader.AdvanceTo(received.Start, received.End);
        }
    }

    private static string Answer(string[] words) => words switch
    {
        ["SUBSCRIBE", .. var channels] => string.Concat(channels.Select(channel => $">3\r\n$9\r\nsubscribe\r\n${channel.Length}\r\n{channel}\r\n:1\r\n")),
        ["CLIENT", "INFO"] => "+id=1 addr=127.0.0.1:1\r\n",
        _ => "+OK\r\n",
    };
}
