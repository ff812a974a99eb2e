using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Runnel.Redis.Resp;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Redis;

/// <summary>A server that answers what a connection for subscriptions asks, and waits where a test has it wait.</summary>
internal static class FakeRedis
{
    /// <summary>One that confirms the subscriptions of a connection when the test lets it; the connections are numbered from 1.</summary>
    public static ScriptedServer BeforeSubscribing(Func<int, Task> wait)
    {
        var connections = 0;
        return ScriptedServer.Doing((stream, ending) =>
        {
            var connection = Interlocked.Increment(ref connections);
            return ServeAsync(stream, () => wait(connection), ending);
        });
    }

    private static async Task ServeAsync(NetworkStream stream, Func<Task> wait, CancellationToken ending)
    {
        var reader = PipeReader.Create(stream);
        while (await reader.ReadAsync(ending) is { IsCompleted: false } read)
        {
            var received = read.Buffer;
            while (RespReader.TryRead(ref received, out var command))
            {
                string[] words = [.. command.Items.Select(word => word.ToString())];
                if (words[0] == "SUBSCRIBE")
                    await wait();
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
