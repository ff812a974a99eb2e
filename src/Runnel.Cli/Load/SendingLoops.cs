using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>Sends messages at their pace: from the publishers, or from the connections.</summary>
internal sealed class SendingLoops(LoadSettings settings, Mark mark, SentMessages sent, Faults faults, TimeProvider clock)
{
    private long _unsent;

    /// <summary>Messages that were due and not sent, because those before them took too long.</summary>
    public long Unsent => Volatile.Read(ref _unsent);

    /// <summary>Publishes until the time is over. A publisher sends a message when the one before is confirmed: only so is there an order between them.</summary>
    public Task PublishAsync(IMessagePublisher publisher, CancellationToken interrupted)
    {
        var pace = new Pace(settings.Rate, settings.Duration, clock) { Slack = settings.Slack };
        return Task.WhenAll(Enumerable.Range(0, settings.Publishers).Select(index => PublishAsync(publisher, index, pace, interrupted)));
    }

    /// <summary>Has the connections send in turn, until the time is over.</summary>
    public async Task EchoAsync(IReadOnlyList<LoadClient> clients, CancellationToken interrupted)
    {
        var pace = new Pace(settings.Rate, settings.Duration, clock) { Slack = settings.Slack };
        for (var i = 0L; i < settings.Messages && !interrupted.IsCancellationRequested; i++)
        {
            long due;
            try
            {
                due = await pace.WaitAsync(i, interrupted);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            var (sender, number) = ((int)(i % clients.Count), (int)(i / clients.Count) + 1);
            if (clients[sender].State == ClientState.Open)
                Send(clients[sender], sender, number, due);
        }
    }

    private async Task PublishAsync(IMessagePublisher publisher, int index, Pace pace, CancellationToken interrupted)
    {
        // The publishers take the messages in turn.
        for (var (i, number) = ((long)index, 1); i < settings.Messages; i += settings.Publishers, number++)
        {
            try
            {
                var due = await pace.WaitAsync(i, interrupted);
                if (pace.IsOver)
                {
                    Interlocked.Add(ref _unsent, (settings.Messages - i + settings.Publishers - 1) / settings.Publishers);
                    return;
                }
                sent.Begin(index, number, due);
                await publisher.PublishAsync(settings.Body.Fill(mark, index, number), interrupted);
                sent.Confirm(index, number);
            }
            catch (FaultException fault)
            {
                sent.Fail(index, number);
                faults.Add(fault);
            }
            catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void Send(LoadClient client, int sender, int number, long due)
    {
        sent.Begin(sender, number, due);
        if (client.TrySend(client.Conversation.Wrap(settings.Body.Fill(mark, sender, number))))
        {
            sent.Confirm(sender, number);
            return;
        }
        sent.Fail(sender, number);
        faults.Add(new FaultException(FaultKind.NotSent, "", $"The server does not read: {MessageSocket.MostWaiting} messages of a connection wait to be sent."));
    }
}
