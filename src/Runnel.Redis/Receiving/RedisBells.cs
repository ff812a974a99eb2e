using System.Text;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>Waits, on a connection of its own, for the bells of all channels that somebody here waits at.</summary>
/// <remarks>
/// A token on a channel's bell wakes one process. One that comes to a process where nobody waits any more is put back, for another. A token that gets lost
/// does no harm: <see cref="RedisHeart"/> looks every so often, too.
/// </remarks>
internal sealed class RedisBells : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly RedisStore _store;
    private readonly Action<RedisChannel> _putBack;
    private readonly RedisClient _client;
    private readonly string _wake;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RedisChannel> _channels = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly TimeSpan _patience;
    private Task? _listening;
    private bool _isWoken;

    /// <param name="store">The store.</param>
    /// <param name="putBack">Rings a channel's bell again, if there still is something.</param>
    /// <param name="patience">How long it waits at a time; 10 seconds by default.</param>
    public RedisBells(RedisStore store, Action<RedisChannel> putBack, TimeSpan? patience = null)
    {
        (_store, _putBack, _patience) = (store, putBack, patience ?? Patience);
        _wake = store.Keys.WakeOf(store.Node);
        _client = new RedisClient(store.Dialer, store.Options, store.Outage);
    }

    /// <summary>Listens to a channel's bell from now on, for as long as somebody here waits.</summary>
    public void Listen(RedisChannel channel)
    {
        lock (_lock)
        {
            if (_ending.IsCancellationRequested || !_channels.TryAdd(channel.Keys.Bell, channel))
                return;
            if (_listening is null)
            {
                _listening = Task.Run(ListenAsync);
                return;
            }
            if (_isWoken)
                return;
            _isWoken = true;
        }
        Wake();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _client.DisposeAsync().ConfigureAwait(false);
        if (_listening is not null)
            await _listening.ConfigureAwait(false);
        _store.Outage.NotRefused(this);
        _ending.Dispose();
    }

    private async Task ListenAsync()
    {
        var backoff = new Backoff();
        while (!_ending.IsCancellationRequested)
        {
            var asked = TimeProvider.System.GetTimestamp();
            try
            {
                var answer = await _client.ExecuteAsync(Wait()).ConfigureAwait(false);
                backoff.Reset();
                _store.Outage.NotRefused(this);
                if (!answer.IsNull)
                    Take(Encoding.UTF8.GetString(answer.Items[0].Bytes));
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (IOException exception)
            {
                if (exception is RedisErrorException)
                    _store.Outage.Refused(this, asked, exception);
                await Task.Delay(backoff.Next(), TimeProvider.System).ConfigureAwait(false);
            }
        }
    }

    private RedisCommand Wait()
    {
        lock (_lock)
        {
            // What is asked for at this moment counts as waited for: the next wait is about to begin, and leaving would only mean coming back.
            foreach (var (bell, channel) in _channels.Where(static entry => !entry.Value.IsWanted).ToList())
                _channels.Remove(bell);
            _isWoken = false;
            var command = RespWriter.Encode(["BLPOP", _wake, .. _channels.Keys, $"{_patience.TotalSeconds}"]);
            return new RedisCommand(command, repeatMark: -1) { IsPatient = true, Wait = _patience };
        }
    }

    private void Take(string bell)
    {
        RedisChannel? channel;
        lock (_lock)
        {
            if (!_channels.TryGetValue(bell, out channel))
                return; // it only woke this loop
        }
        if (channel.IsWanted)
            channel.Look();
        else
            _putBack(channel);
    }

    // The wait that is under way ends, and the next one is for the new channel, too.
    private void Wake()
    {
        var writer = RedisScript.Wake.Run(keys: 1, arguments: 0);
        writer.Add(_wake);
        // It fails when Redis is away, and so has the wait ended; or when the layer ends.
        _store.Commands.ExecuteAsync(writer.Written).ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
