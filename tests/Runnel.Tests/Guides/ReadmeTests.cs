using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using Guides.Readme;
using Runnel.Specification;
using Runnel.Tests.Samples;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Guides;

/// <summary>The program of the README does what the README says.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task The_program_of_the_readme_brings_the_news_to_an_open_page()
    {
        await using var program = await RunningProgram.StartAsync(ReadmeProgram.Run);
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = program.Address, Timeout = Wait.Limit };
        using var socket = new ClientWebSocket();

        var page = await http.GetStringAsync(new Uri("/", UriKind.Relative));
        var client = await http.GetStringAsync(new Uri("/_runnel/client.js", UriKind.Relative));
        await socket.ConnectAsync(new UriBuilder(program.Address) { Scheme = "ws", Path = "/ws/news" }.Uri, CancellationToken.None);
        var first = await ReceiveAsync(socket);
        var posted = await http.PostAsJsonAsync("/news", new Headline("It works."));
        var second = await ReceiveAsync(socket);

        Assert.Contains("/_runnel/client.js", page, StringComparison.Ordinal);
        Assert.Contains("connect", client, StringComparison.Ordinal);
        Assert.True(posted.IsSuccessStatusCode);
        Assert.Equal("""{"title":"Here is the news."}""", first);
        Assert.Equal("""{"title":"It works."}""", second);
    }

    [Fact]
    public async Task A_client_of_a_program_that_stops_is_told_to_come_back()
    {
        var program = await RunningProgram.StartAsync(ReadmeProgram.Run);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(program.Address) { Scheme = "ws", Path = "/ws/news" }.Uri, CancellationToken.None);
        await ReceiveAsync(socket);

        var stopped = program.DisposeAsync();
        var received = await Wait.For(socket.ReceiveAsync(new byte[16], CancellationToken.None), "the close");
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await stopped;

        Assert.Equal((WebSocketMessageType.Close, CloseCode.ServiceRestart), (received.MessageType, (int?)received.CloseStatus));
    }

    [Fact]
    public async Task The_commands_of_the_readme_run_two_nodes_and_a_worker_on_one_redis()
    {
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions());
        using var folder = new SampleFolder(redis.Address);
        var commands = Snippets.BlockWith("README.md", "redis-server").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("redis-server ", commands[0], StringComparison.Ordinal);
        var arguments = commands[1..].Select(ArgumentsOf).ToArray();

        await using var one = await SampleProcess.ServeAsync("Progress", folder, 0, arguments[0]);
        await using var other = await SampleProcess.ServeAsync("Progress", folder, 0, arguments[1]);
        await using var worker = await SampleProcess.WorkAsync("Progress", folder, arguments[2][1..]);
        using var page = await other.OpenSocketAsync("/ws/tasks");
        await page.ReadAsync();
        using var accepted = await one.Client.PostAsJsonAsync("/api/tasks", new { steps = 3, stepMilliseconds = 10 });
        var state = await page.ReadAsync();
        while (state.GetProperty("state").GetString() != "succeeded")
            state = await page.ReadAsync();

        Assert.Equal(3, arguments.Length);
        Assert.Equal("runworker", arguments[2][0]);
        Assert.Equal(accepted.Headers.Location!.OriginalString, $"/jobs/{state.GetProperty("id")}");
    }

    // What the tests have of their own, the address and the port, is left out.
    private static string[] ArgumentsOf(string command)
    {
        var (start, rest) = command.Split(" -- ") is [var before, var after] ? (before, after) : throw new InvalidOperationException($"'{command}' is no command of a sample.");
        Assert.Matches("^dotnet run --project samples/Progress( --no-build)?$", start);
        Assert.Contains("--layer redis://localhost", rest, StringComparison.Ordinal);
        return rest.Replace(" --layer redis://localhost", "", StringComparison.Ordinal).Replace(" --urls http://localhost:5091", "", StringComparison.Ordinal).Split(' ');
    }

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[1024];
        var received = await Wait.For(socket.ReceiveAsync(buffer, CancellationToken.None), "a message");
        return Encoding.UTF8.GetString(buffer, 0, received.Count);
    }
}
