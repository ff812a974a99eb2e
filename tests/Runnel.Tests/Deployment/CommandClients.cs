using System.Net;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>Many clients that each send a command every second, and one who writes ten articles a second for all of them.</summary>
internal sealed class CommandClients : IAsyncDisposable
{
    private const int TicksASecond = 50;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1) / TicksASecond;
    private static readonly TimeSpan ArticleEvery = TimeSpan.FromMilliseconds(100);

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseProxy = false });
    private readonly HttpClient _writer;
    private readonly CancellationTokenSource _over = new();
    private CommandClient[] _clients = [];
    private Task<int> _writing = Task.FromResult(0);
    private volatile int _written;
    private Task _sending = Task.CompletedTask;

    private CommandClients(Uri server) => _writer = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server, Timeout = Wait.Limit };

    /// <summary>Those whose last answer came from a worker.</summary>
    public IEnumerable<CommandClient> Of(ChildProcess worker) => _clients.Where(client => client.Worker == worker.Id);

    /// <summary>Connects them, and lets them begin.</summary>
    public static async Task<CommandClients> StartAsync(Uri server, int count)
    {
        var all = new CommandClients(server);
        all._clients = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => CommandClient.ConnectAsync(server, all._invoker)));
        all._writing = all.WriteAsync();
        all._sending = all.SendAsync();
        return all;
    }

    /// <summary>From now on workers die.</summary>
    public void AllowRepeats()
    {
        foreach (var client in _clients)
            client.MayRepeat = true;
    }

    /// <summary>Waits until each has an answer to a command that it sends from now on. So nobody waits for a worker any more.</summary>
    public async Task AllAnsweredAsync()
    {
        var sent = _clients.Select(client => (Client: client, client.Sent)).ToList();
        await UntilAsync(() => sent.All(at => at.Client.Answered > at.Sent), () => $"everyone is answered, and {sent.Count(at => at.Client.Answered <= at.Sent)} are not");
    }

    /// <summary>Waits until these workers have the connections, none of them more than one and a half times its share.</summary>
    public async Task BalancedAsync(params ChildProcess[] workers)
    {
        var most = 1.5 * _clients.Length / workers.Length;
        await UntilAsync(
            () => workers.All(worker => Of(worker).Count() <= most) && workers.Sum(worker => Of(worker).Count()) == _clients.Length,
            () => $"the workers share the connections, and they have {string.Join(", ", workers.Select(worker => Of(worker).Count()))}");
    }

    /// <summary>Waits until the writer has written so many seconds' articles more.</summary>
    public async Task ArticlesOfAsync(TimeSpan time)
    {
        var written = _written + (int)(time / ArticleEvery);
        await UntilAsync(() => _written >= written, () => $"{written} articles are written, and {_written} are");
    }

    /// <summary>Ends the commands and the articles, sees that everyone has got everything, and closes all sockets.</summary>
    /// <returns>How many articles there were.</returns>
    public async Task<int> EndAsync()
    {
        await _over.CancelAsync();
        var articles = await Wait.For(_writing, "the last article");
        await Wait.For(_sending, "the last command");
        await UntilAsync(() => _clients.All(client => client.Answered == client.Sent && client.Articles == articles), () => "everyone has everything");
        await Wait.For(Task.WhenAll(_clients.Select(client => client.CloseAsync())), "the sockets to close");
        return articles;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await Task.WhenAll(_writing, _sending).ContinueWith(static _ => { }, TaskScheduler.Default); // a test that fails has said why
        foreach (var client in _clients)
            client.Dispose();
        _writer.Dispose();
        _invoker.Dispose();
        _over.Dispose();
    }

    private async Task UntilAsync(Func<bool> condition, Func<string> what)
    {
        try
        {
            await Wait.Until(() => Faults.Any() || condition(), "it is so");
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Waited in vain until {what()}.");
        }
        Assert.Empty(Faults.Take(5));
    }

    private IEnumerable<string> Faults => _clients.Select(client => client.Fault).OfType<string>();

    private async Task SendAsync()
    {
        using var pace = new PeriodicTimer(Tick, TimeProvider.System);
        for (var tick = 0; !_over.IsCancellationRequested; tick++)
        {
            for (var i = tick % TicksASecond; i < _clients.Length; i += TicksASecond)
                await _clients[i].SendAsync();
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private async Task<int> WriteAsync()
    {
        using var pace = new PeriodicTimer(ArticleEvery, TimeProvider.System);
        for (var number = 1; ; number++)
        {
            using var written = await _writer.PostAsync(new Uri($"/articles/{number}", UriKind.Relative), null);
            Assert.Equal(HttpStatusCode.OK, written.StatusCode);
            _written = number;
            if (_over.IsCancellationRequested)
                return number;
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
