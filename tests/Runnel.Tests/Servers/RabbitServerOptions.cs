namespace Runnel.Tests.Servers;

/// <summary>How a <see cref="RabbitServer"/> is started. What is not said here is as RabbitMQ has it by default.</summary>
public sealed record RabbitServerOptions
{
    /// <summary>Whether it has a port with TLS, too, which asks clients for a certificate of the same authority.</summary>
    public bool Tls { get; init; }

    /// <summary>More of the broker's settings, each an Erlang term: <c>{channel_max, 10}</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];
}
