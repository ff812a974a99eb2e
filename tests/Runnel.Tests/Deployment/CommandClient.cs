using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Runnel.Specification;

namespace Runnel.Tests.Deployment;

/// <summary>A client of the test application that numbers its commands, and checks each answer and each article as it comes.</summary>
internal sealed class CommandClient : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _sent;
    private int _answered;
    private int _articles;
    private volatile string? _fault;

    private CommandClient() => _socket.Options.KeepAliveInterval = TimeSpan.Zero;

    /// <summary>The first thing that was not as promised.</summary>
    public string? Fault => _fault;

    /// <summary>The number of the last command that was sent.</summary>
    public int Sent => Volatile.Read(ref _sent);

    /// <summary>The number of the last command that was answered.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>The number of the last article.</summary>
    public int Articles => Volatile.Read(ref _articles);

    /// <summary>The process that gave the last answer.</summary>
    public int Worker { get; private set; }

    /// <summary>Whether workers die: the command that one was at work on may be answered again, if the answer says so.</summary>
    public bool MayRepeat { get; set; }

    /// <summary>Has the next command take seconds.</summary>
    public bool AsksForLongWork { get; set; }

    public static async Task<CommandClient> ConnectAsync(Uri server, HttpMessageInvoker invoker)
    {
        var client = new CommandClient();
        try
        {
            await client._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/commands" }.Uri, invoker, CancellationToken.None).WaitAsync(Wait.Limit);
            _ = client.ReceiveAsync();
            await client._ready.Task.WaitAsync(Wait.Limit);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sends the next command.</summary>
    public async Task SendAsync()
    {
        if (Fault is not null)
            return;
        var command = string.Create(CultureInfo.InvariantCulture, $"{Sent + 1}{(AsksForLongWork ? "!" : "")}");
        AsksForLongWork = false;
        Volatile.Write(ref _sent, Sent + 1);
        await _socket.SendAsync(Encoding.ASCII.GetBytes(command), WebSocketMessageType.Text, true, CancellationToken.None);
    }

    public Task CloseAsync() => _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

    public void Dispose() => _socket.Dispose();

    private async Task ReceiveAsync()
    {
        try
        {
            var buffer = new byte[256];
            while (await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: WebSocketMessageType.Text } received && Fault is null)
                Take(Encoding.ASCII.GetString(buffer, 0, received.Count).Split(' '));
            Fail($"It was closed with {_socket.CloseStatus}: {_socket.CloseStatusDescription}");
        }
        catch (Exception exception)
        {
            Fail($"It broke: {exception.Message}");
        }
    }

    private void Take(string[] words)
    {
        switch (words)
        {
            case ["ready"]:
                _ready.SetResult();
                break;
            case ["article", var number]:
                TakeArticle(int.Parse(number, CultureInfo.InvariantCulture));
                break;
            case [var command, var count, var times, var worker]:
                TakeAnswer(int.Parse(command, CultureInfo.InvariantCulture), int.Parse(count, CultureInfo.InvariantCulture), times == "again", int.Parse(worker, CultureInfo.InvariantCulture));
                break;
            default:
                Fail($"What is '{string.Join(' ', words)}'?");
                break;
        }
    }

    private void TakeArticle(int number)
    {
        if (number != Articles + 1)
            Fail($"Article {number} came after {Articles}");
        Volatile.Write(ref _articles, number);
    }

    private void TakeAnswer(int command, int count, bool isAgain, int worker)
    {
        var (last, from) = (Answered, Worker);
        Worker = worker;
        if (isAgain && !MayRepeat)
            Fail($"Command {command} was handled again, by {worker} after {from}, though no worker has died");
        if (command != last + 1 && !(isAgain && command == last))
            Fail($"The answer to {command} came after that to {last}{(isAgain ? " again" : "")}, from {worker} after {from}");
        if (count != command)
            Fail($"Command {command} was counted as {count}, by {worker} after {from}");
        Volatile.Write(ref _answered, command);
    }

    private void Fail(string fault) => _fault ??= fault;
}
