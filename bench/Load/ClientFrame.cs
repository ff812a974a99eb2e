using System.Text;

namespace Runnel.Bench;

/// <summary>The frames that a client sends: masked, as they must be. A mask of zeros leaves the payload as it is.</summary>
internal static class ClientFrame
{
    private const byte FinalText = 0x81, FinalPong = 0x8A, Masked = 0x80, TwoBytesOfLength = 126;

    public static byte[] Text(string text)
    {
        var content = Encoding.UTF8.GetBytes(text);
        return content.Length < TwoBytesOfLength
            ? [FinalText, (byte)(Masked | content.Length), 0, 0, 0, 0, .. content]
            : [FinalText, Masked | TwoBytesOfLength, (byte)(content.Length >> 8), (byte)content.Length, 0, 0, 0, 0, .. content];
    }

    public static byte[] Pong(ReadOnlySpan<byte> payload) => [FinalPong, (byte)(Masked | payload.Length), 0, 0, 0, 0, .. payload];
}
