using System.Buffers.Binary;
using System.Text;
using Runnel.Layers;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>How a dead letter is stored: 1 byte reason, 8 bytes when (µs), 4 bytes length of the error, the error, the entry. Scripts/channel.lua writes it.</summary>
internal static class DeadLetters
{
    private const int AtAt = 1, ErrorLengthAt = 9, ErrorAt = 13;

    public static ReadOnlyMemory<byte> EncodeError(string? error, Sealing sealing, ChannelName channel) =>
        error is null ? default : sealing.Seal(Encoding.UTF8.GetBytes(error), channel.Value);

    /// <exception cref="FormatException">The bytes are not a dead letter, or cannot be opened.</exception>
    public static DeadLetter Decode(ReadOnlyMemory<byte> stored, Sealing sealing, ChannelName channel)
    {
        var span = stored.Span;
        var length = BinaryPrimitives.ReadInt32LittleEndian(span[ErrorLengthAt..]);
        var error = length == 0 ? null : Encoding.UTF8.GetString(sealing.Open(stored.Slice(ErrorAt, length), channel.Value).Span);
        var envelope = Entry.Decode(stored[(ErrorAt + length)..], sealing, channel.Value);
        var reason = (DeadLetterReason)span[0];
        var at = DateTimeOffset.UnixEpoch.AddMicroseconds(BinaryPrimitives.ReadInt64LittleEndian(span[AtAt..]));
        return new DeadLetter(channel, envelope, reason, error, at);
    }
}
