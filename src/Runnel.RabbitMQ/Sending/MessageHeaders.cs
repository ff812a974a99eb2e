using System.Globalization;
using System.Text;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The headers that we write on messages beside their properties, and those of the broker that we read.</summary>
internal static class MessageHeaders
{
    /// <summary>What a message carries to the relay, as a <see cref="DelayNote"/>.</summary>
    public const string Later = "runnel-later";

    /// <summary>Why it is a dead letter, as the name of a <see cref="Layers.DeadLetterReason"/>.</summary>
    public const string Reason = "runnel-reason";

    /// <summary>The error of a dead letter.</summary>
    public const string Error = "runnel-error";

    /// <summary>When it became a dead letter, in microseconds since 1970.</summary>
    public const string At = "runnel-at";

    /// <summary>The broker's: how many times the message came back to its queue.</summary>
    public const string Returns = "x-delivery-count";

    public static string? Text(IDictionary<string, object?>? headers, string name) => headers is not null && headers.TryGetValue(name, out var value)
        ? value switch
        {
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            string text => text,
            _ => null,
        }
        : null;

    public static long Number(IDictionary<string, object?>? headers, string name) =>
        headers is not null && headers.TryGetValue(name, out var value) && value is IConvertible and not string ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : 0;
}
