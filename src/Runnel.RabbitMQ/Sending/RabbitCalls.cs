using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Asks the broker, one question at a time, on a channel that is opened anew when the broker closes it.</summary>
internal sealed class RabbitCalls(RabbitMQBroker broker) : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private IChannel? _channel;

    /// <summary>Asks.</summary>
    /// <exception cref="RabbitUnavailableException">The broker is away, or refuses; the cause says what it answered.</exception>
    public Task<T> AskAsync<T>(Func<IChannel, Task<T>> question, CancellationToken cancellationToken = default) => AskAsync(question, broker.Options.Timeout, cancellationToken);

    /// <summary>Asks something that takes as long as it takes.</summary>
    public async Task<T> AskAsync<T>(Func<IChannel, Task<T>> question, TimeSpan limit, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _channel = _channel is { IsOpen: true } open ? open : await OpenAsync(cancellationToken).ConfigureAwait(false);
            return await question(_channel).WaitAsync(limit, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsTheBrokers(exception) && !cancellationToken.IsCancellationRequested)
        {
            throw new RabbitUnavailableException(broker.Dialer.Explain(exception), exception);
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel is { IsOpen: true } channel)
            await RabbitLink.CloseAsync(channel).ConfigureAwait(false);
    }

    // Of a connection that is closing the client tells in many ways.
    private static bool IsTheBrokers(Exception exception) =>
        exception is RabbitMQClientException or TimeoutException or OperationCanceledException or InvalidOperationException or IOException and not RabbitUnavailableException;

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await broker.Publishing.GetAsync(cancellationToken).ConfigureAwait(false);
        return await connection.CreateChannelAsync(cancellationToken: cancellationToken).WaitAsync(broker.Options.Timeout, CancellationToken.None).ConfigureAwait(false);
    }
}
