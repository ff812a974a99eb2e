using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ;

/// <summary>A RabbitMQ broker: what the backplane and the work queue of one process stand on, and share.</summary>
/// <remarks>Messages are published on one connection and received on others, so that a broker that holds publishers back does not hold back receivers. Thread-safe.</remarks>
public sealed class RabbitMQBroker : IAsyncDisposable
{
    /// <summary>Creates the broker; nothing is connected to yet.</summary>
    /// <param name="options">Where RabbitMQ is, and how it is used.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="logger">Where it says what befalls it.</param>
    /// <exception cref="FormatException">The address is not valid.</exception>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public RabbitMQBroker(RabbitMQOptions options, TimeProvider timeProvider, ILogger<RabbitMQBroker> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        var address = RabbitAddress.Parse(options.Host);
        options.Prefix = address.Prefix ?? options.Prefix;
        options.Wire = address.Wire ?? options.Wire;
        OptionsCheck.ThrowIfInvalid(options);
        if (options.Ssl is not null && !address.IsEncrypted)
            throw new FormatException("RabbitMQOptions.Ssl is set, but the address of RabbitMQ is one without TLS: such an address begins with amqps://.");
        (Options, TimeProvider, Logger) = (options, timeProvider, logger);
        Heart = new RabbitHeart(options.Heartbeat, logger);
        Dialer = new RabbitDialer(address, options, Heart);
        Outage = new RabbitOutage(address.ToString(), TimeProvider.System, logger);
        Publishing = new RabbitLink(this, "publishes", RestoreAsync);
    }

    internal RabbitMQOptions Options { get; }

    internal ILogger Logger { get; }

    internal TimeProvider TimeProvider { get; }

    internal RabbitHeart Heart { get; }

    internal RabbitDialer Dialer { get; }

    internal RabbitOutage Outage { get; }

    /// <summary>The connection on which this process publishes; whoever receives has one of its own.</summary>
    internal RabbitLink Publishing { get; }

    /// <summary>What has to be declared before anybody publishes, on each new connection.</summary>
    internal IList<Func<IConnection, CancellationToken, Task>> Restoring { get; } = [];

    /// <summary>Connects, and checks that the broker is one that can be used.</summary>
    /// <exception cref="IOException">RabbitMQ cannot be reached, or refuses; the message says why, and what to do.</exception>
    public Task OpenAsync(CancellationToken cancellationToken = default) => Publishing.OpenAsync(cancellationToken);

    /// <summary>The open connection on which this process publishes, for the application's own work with AMQP. Do not close it, and ask again after an interruption: it is another one then.</summary>
    /// <exception cref="IOException">The broker was away for as long as <see cref="RabbitMQOptions.OutageTimeout"/>.</exception>
    public ValueTask<IConnection> GetConnectionAsync(CancellationToken cancellationToken = default) => Publishing.GetAsync(cancellationToken);

    /// <summary>Closes the connections.</summary>
    public ValueTask DisposeAsync() => Publishing.DisposeAsync();

    /// <summary>What tells the data of this broker from any other's: its cluster, its virtual host, and our prefix there.</summary>
    internal async Task<string> GetIdentityAsync(CancellationToken cancellationToken)
    {
        var connection = await GetConnectionAsync(cancellationToken).ConfigureAwait(false);
        object? name = null;
        _ = connection.ServerProperties?.TryGetValue("cluster_name", out name);
        var cluster = name is byte[] bytes ? Encoding.UTF8.GetString(bytes) : Dialer.Address.Host;
        return $"rabbitmq/{cluster}/{Dialer.Address.VirtualHost}/{Options.Prefix}";
    }

    internal RabbitUnavailableException Away(Exception? cause = null) =>
        new($"RabbitMQ at {Dialer.Address} has been away for as long as such a message waits ({Options.OutageTimeout.TotalSeconds:0.#} s: OutageTimeout){(cause is RabbitUnavailableException known ? $". {known.Message.TrimEnd('.')}" : "")}", cause);

    private async Task RestoreAsync(IConnection connection, CancellationToken cancellationToken)
    {
        foreach (var restore in Restoring)
            await restore(connection, cancellationToken).ConfigureAwait(false);
    }
}
