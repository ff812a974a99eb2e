using System.Security.Cryptography;
using System.Text;

namespace Runnel.Redis.Stores;

/// <summary>Encrypts what is stored, if there are keys for it: AES-256-GCM, bound to the place where it is stored.</summary>
/// <remarks>
/// Sealed: 1 byte version, 4 bytes that tell the key, 12 bytes nonce, 16 bytes tag, the ciphertext. The nonce is random, so a key is good for some
/// billions of messages (NIST SP 800-38D section 8.3: 2^32); then it should be changed. Thread-safe.
/// </remarks>
internal sealed class Sealing
{
    private const byte Version = 1;
    private const int KeySize = 32, MarkSize = 4, NonceSize = 12, TagSize = 16, HeadSize = 1 + MarkSize + NonceSize + TagSize;

    private readonly (byte[] Mark, byte[] Key)[] _keys;
    private readonly byte[]? _nameKey;

    /// <summary>Takes the keys: the first seals, all open.</summary>
    /// <exception cref="FormatException">A key is not 32 bytes in Base64; the message does not repeat it.</exception>
    public Sealing(IEnumerable<string> keys)
    {
        _keys = [.. keys.Select(ReadKey).Select(key => (SHA256.HashData(key)[..MarkSize], key))];
        _nameKey = IsOn ? HMACSHA256.HashData(_keys[0].Key, "names"u8) : null;
    }

    public bool IsOn => _keys.Length > 0;

    /// <summary>Seals.</summary>
    /// <param name="content">What to seal; returned as it is when there are no keys.</param>
    /// <param name="place">Where it will be stored: it can be opened only as something of that place.</param>
    public ReadOnlyMemory<byte> Seal(ReadOnlyMemory<byte> content, string place)
    {
        if (!IsOn)
            return content;
        var (mark, key) = _keys[0];
        var sealedBytes = new byte[HeadSize + content.Length];
        sealedBytes[0] = Version;
        mark.CopyTo(sealedBytes, 1);
        var nonce = sealedBytes.AsSpan(1 + MarkSize, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(nonce, content.Span, sealedBytes.AsSpan(HeadSize), sealedBytes.AsSpan(HeadSize - TagSize, TagSize), Encoding.UTF8.GetBytes(place));
        return sealedBytes;
    }

    /// <summary>Opens what was sealed.</summary>
    /// <exception cref="FormatException">It was not sealed by one of the keys, or was changed, or comes from another place.</exception>
    public ReadOnlyMemory<byte> Open(ReadOnlyMemory<byte> stored, string place)
    {
        if (!IsOn)
            return stored;
        if (stored.Length < HeadSize || stored.Span[0] != Version)
            throw new FormatException($"What Redis holds for '{place}' is not encrypted, or by something else than Runnel. It was stored before EncryptionKeys was set, or somebody tampered with it.");
        var mark = stored.Span.Slice(1, MarkSize);
        foreach (var (known, key) in _keys)
        {
            if (!mark.SequenceEqual(known))
                continue;
            var content = new byte[stored.Length - HeadSize];
            using var aes = new AesGcm(key, TagSize);
            try
            {
                aes.Decrypt(stored.Span.Slice(1 + MarkSize, NonceSize), stored.Span[HeadSize..], stored.Span.Slice(HeadSize - TagSize, TagSize), content, Encoding.UTF8.GetBytes(place));
                return content;
            }
            catch (AuthenticationTagMismatchException exception)
            {
                throw new FormatException($"What Redis holds for '{place}' was changed since it was encrypted, or was stored for something else.", exception);
            }
        }
        throw new FormatException($"What Redis holds for '{place}' was encrypted with a key that is not among EncryptionKeys: add that one, behind the first.");
    }

    /// <summary>A short name for something that may be long or secret: the same for the same text, and telling nothing of it when there are keys.</summary>
    public byte[] NameOf(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (_nameKey is not null)
            return HMACSHA256.HashData(_nameKey, bytes)[..16];
        return bytes.Length <= 64 ? bytes : SHA256.HashData(bytes);
    }

    private static byte[] ReadKey(string text)
    {
        var key = new byte[KeySize];
        if (!Convert.TryFromBase64String(text, key, out var length) || length != KeySize)
            throw new FormatException($"An encryption key of the Redis layer is not {KeySize} bytes in Base64: make one with 'openssl rand -base64 32'.");
        return key;
    }
}
