using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>One load test: opens the connections, sends, waits for what is on its way, and judges.</summary>
internal sealed class LoadRun
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestDetour = TimeSpan.FromSeconds(1); // of a message that comes behind a later one
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private readonly LoadSettings _settings;
    private readonly IMessagePublisher? _publisher;
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly ClientContext _context;
    private readonly Mark _mark = Mark.OfNewRun();
    private readonly SentMessages _sent;
    private readonly Deliveries _deliveries;
    private readonly SendingLoops _loops;
    private readonly List<LoadClient> _clients = [];
    private readonly List<Task> _lives = [];
    private volatile string _phase = "connects";

    /// <param name="settings">What to do.</param>
    /// <param name="publisher">Publishes, if something is published.</param>
    /// <param name="clock">The time.</param>
    public LoadRun(LoadSettings settings, IMessagePublisher? publisher, TimeProvider clock)
    {
        (_settings, _publisher, _clock, _start) = (settings, publisher, clock, clock.GetTimestamp());
        _context = new ClientContext(new Dialer(settings.Target, new Handshake(settings.Target, settings.Protocol, settings.Headers), settings.IsInsecure, settings.Timeout, clock), clock);
        _sent = new SentMessages(settings.Senders, settings.MessagesOfEach);
        _deliveries = new Deliveries(_mark, _sent, clock);
        _loops = new SendingLoops(settings, _mark, _sent, _context.Faults, clock);
    }

    /// <summary>Runs the test.</summary>
    /// <param name="report">Is told again and again how far it is.</param>
    /// <param name="interrupted">Ends the test early; what was until then is judged.</param>
    public async Task<LoadSummary> RunAsync(Action<LoadProgress> report, CancellationToken interrupted)
    {
        await _context.Dialer.ResolveAsync(interrupted);
        using var over = new CancellationTokenSource();
        var reporting = ReportAsync(report, over.Token);
        try
        {
            await ConnectAsync(over.Token, interrupted);
            _phase = "runs";
            var began = _clock.GetTimestamp();
            await SendAsync(interrupted);
            var seconds = _clock.GetElapsedTime(began).TotalSeconds;
            _phase = "waits for the rest";
            await DrainAsync(interrupted);
            return Summary(seconds, interrupted.IsCancellationRequested);
        }
        finally
        {
            await over.CancelAsync();
            await EndAsync();
            await reporting;
        }
    }

    private async Task ConnectAsync(CancellationToken over, CancellationToken interrupted)
    {
        var pace = new Pace(_settings.Connections / Math.Max(_settings.Ramp.TotalSeconds, 0.001), _settings.Ramp, _clock);
        for (var i = 0; i < _settings.Connections; i++)
        {
            try
            {
                var due = await pace.WaitAsync(i, interrupted);
                var client = new LoadClient(i, NewConversation(i), _context);
                _clients.Add(client);
                _lives.Add(client.RunAsync(due, over));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        await UntilAsync(_settings.Timeout + ProbeEvery, () => _clients.TrueForAll(client => client.State is not ClientState.Opening), interrupted);
        if (_settings.IsRecovering)
            await UntilAsync(_settings.Timeout, AreReady, interrupted); // the server says when
        else if (_publisher is not null)
            await ProbeAsync(_publisher, interrupted);
    }

    private bool AreReady() => _clients.TrueForAll(client => client.IsReady || client.State == ClientState.Gone);

    private Conversation NewConversation(int index)
    {
        var arrivals = _settings.IsEcho ? Arrivals.OfOwn(index) : Arrivals.OfAll(_settings.Publishers);
        return _settings.IsRecovering
            ? new GreetedConversation(index + 1, arrivals, _deliveries, _settings.Stream)
            : new PlainConversation(index + 1, arrivals, _deliveries, _settings.Stream, needsProbe: _publisher is not null);
    }

    // An open socket is not yet in its group, and nothing says when it is: messages that do not count are sent until each socket has got one.
    private async Task ProbeAsync(IMessagePublisher publisher, CancellationToken interrupted)
    {
        _phase = "looks whether all get messages";
        for (var began = _clock.GetTimestamp(); !interrupted.IsCancellationRequested && _clock.GetElapsedTime(began) < _settings.Timeout && !AreReady();)
        {
            try
            {
                await publisher.PublishAsync(_settings.Body.Fill(_mark, 0, Mark.ProbeNumber), interrupted);
            }
            catch (FaultException fault)
            {
                _context.Faults.Add(fault);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await UntilAsync(ProbeEvery, AreReady, interrupted);
        }
    }

    private async Task SendAsync(CancellationToken interrupted)
    {
        if (IsDeserted())
            return; // nobody would get anything, and the user waits
        if (_publisher is not null)
            await _loops.PublishAsync(_publisher, interrupted);
        else if (_settings.IsEcho)
            await _loops.EchoAsync(_clients, interrupted);
        else
            await UntilAsync(_settings.Duration, IsDeserted, interrupted);
    }

    private bool IsDeserted() => _clients.TrueForAll(client => client.State == ClientState.Gone);

    private async Task DrainAsync(CancellationToken interrupted)
    {
        await UntilAsync(_settings.Drain, () => _clients.TrueForAll(client => IsDone(client, arrivals => arrivals.HasLastOf(_sent))), interrupted);
        await UntilAsync(
            _settings.Drain < LongestDetour ? _settings.Drain : LongestDetour,
            () => _clients.TrueForAll(client => IsDone(client, arrivals => arrivals.HasAllOf(_sent))),
            interrupted);
    }

    private static bool IsDone(LoadClient client, Func<Arrivals, bool> has) => client.State switch
    {
        ClientState.Open => has(client.Conversation.Arrivals),
        ClientState.Away or ClientState.Opening => false,
        _ => true,
    };

    private LoadSummary Summary(double seconds, bool isInterrupted)
    {
        var verdict = new Checker(_sent, _deliveries).Judge(_clients, _loops.Unsent, isInterrupted);
        var held = _clients.Count(client => client.State == ClientState.Open);
        return new LoadSummary(
            _settings.Target.ToString(),
            isInterrupted,
            Math.Round(seconds, 3),
            new(_settings.Connections, _clients.Count(client => client.Openings > 0), held, _clients.Sum(client => Math.Max(0, client.Openings - 1))),
            _context.Connecting.Figures(),
            _deliveries.Latencies.Figures(),
            new(_sent.Sent, _sent.Confirmed, _sent.Failed, _loops.Unsent, PerSecond(_sent.Confirmed)),
            new(_context.Messages, _context.Bytes, _deliveries.Arrived, PerSecond(_deliveries.Arrived)),
            _context.Faults.Read(),
            verdict);

        double PerSecond(long count) => seconds > 0 ? Math.Round(count / seconds, 1) : 0;
    }

    private async Task EndAsync()
    {
        foreach (var client in _clients)
            client.Close();
        await UntilAsync(Farewell, () => _lives.TrueForAll(life => life.IsCompleted), CancellationToken.None);
        foreach (var client in _clients)
            client.Abort();
        await Task.WhenAll(_lives);
    }

    private async Task ReportAsync(Action<LoadProgress> report, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await UntilAsync(ProgressEvery, () => false, over);
            // The list may be growing meanwhile.
            var open = Enumerable.Range(0, _clients.Count).Count(i => _clients[i].State == ClientState.Open);
            report(new LoadProgress(_clock.GetElapsedTime(_start), _phase, open, _settings.Connections, _sent.Sent, _deliveries.Arrived, _deliveries.Latencies.Figures(), _context.Faults.Total));
        }
    }

    private async Task UntilAsync(TimeSpan longest, Func<bool> condition, CancellationToken interrupted)
    {
        for (var began = _clock.GetTimestamp(); !interrupted.IsCancellationRequested && _clock.GetElapsedTime(began) is var waited && waited < longest && !condition();)
        {
            var rest = longest - waited;
            await Task.Delay(rest < Glance ? rest : Glance, _clock, interrupted).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
