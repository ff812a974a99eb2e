using RabbitMQ.Client;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>How a dead letter is stored: the message as it was, and what became of it in headers.</summary>
internal static class DeadLetters
{
    // A broker takes no more than a frame of headers.
    private const int MostOfError = 32_000;

    public static BasicProperties Properties(in StoredMessage message, DeadLetterReason reason, string? error, DateTimeOffset now)
    {
        var properties = message.Properties((MessageHeaders.Reason, $"{reason}"), (MessageHeaders.At, (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond));
        if (error is not null)
            properties.Headers![MessageHeaders.Error] = error.Length <= MostOfError ? error : error[..MostOfError];
        return properties;
    }

    /// <exception cref="FormatException">It is none.</exception>
    public static DeadLetter Read(ChannelName channel, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var at = DateTimeOffset.UnixEpoch.AddMicroseconds(MessageHeaders.Number(properties.Headers, MessageHeaders.At));
        _ = Enum.TryParse<DeadLetterReason>(MessageHeaders.Text(properties.Headers, MessageHeaders.Reason), out var reason);
        return new DeadLetter(channel, EnvelopeFormat.Decode(body), reason, MessageHeaders.Text(properties.Headers, MessageHeaders.Error), at);
    }
}
