using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>Makes and opens what gives a client's positions their worth (ADR 9). All nodes have the same key, from the state store.</summary>
/// <remarks>
/// A seal is encrypted with AES-GCM: the group, the place where the membership began, and when the seal expires. The stream and the owner are its additional data, so it opens for nobody else.
/// </remarks>
internal sealed class PositionSeals(NodeContext node, PositionKey key)
{
    private const int NonceBytes = 12, MacBytes = 16, PlaceBytes = 24, TagBytes = 6;
    private byte[]? _tagKey;
    private byte[]? _sealKey;

    /// <summary>Whether there can be a key: something has to remember it.</summary>
    public bool HasKey => key.CanBe;

    /// <summary>Makes sure that the key is there: to be awaited before anything else is asked.</summary>
    public async ValueTask PrepareAsync(CancellationToken cancellationToken)
    {
        if (_sealKey is not null)
            return;
        var secret = await key.GetAsync(cancellationToken);
        _tagKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "runnel tag"u8.ToArray());
        Volatile.Write(ref _sealKey, HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "runnel seal"u8.ToArray()));
    }

    /// <summary>What stands for a group in positions, without naming it.</summary>
    public string TagOf(GroupName group) => Base64Url.EncodeToString(HMACSHA256.HashData(_tagKey!, Encoding.UTF8.GetBytes(group.Value)).AsSpan(0, TagBytes));

    /// <summary>Seals a membership.</summary>
    /// <param name="group">The group.</param>
    /// <param name="since">Where it began: the client may ask for nothing before it.</param>
    /// <param name="stream">The stream that is the member.</param>
    /// <param name="owner">Whose it is (<see cref="ClientHello.OwnerOf"/>).</param>
    public string Seal(GroupName group, Position since, string stream, string owner)
    {
        var content = new byte[PlaceBytes + group.Value.Length];
        BinaryPrimitives.WriteInt64LittleEndian(content, (node.TimeProvider.GetUtcNow() + node.Options.PositionLifetime).UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(8), since.Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(16), since.Offset);
        Encoding.ASCII.GetBytes(group.Value, content.AsSpan(PlaceBytes));
        var seal = new byte[NonceBytes + MacBytes + content.Length];
        RandomNumberGenerator.Fill(seal.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_sealKey!, MacBytes);
        aes.Encrypt(seal.AsSpan(0, NonceBytes), content, seal.AsSpan(NonceBytes + MacBytes), seal.AsSpan(NonceBytes, MacBytes), ScopeOf(stream, owner));
        return Base64Url.EncodeToString(seal);
    }

    /// <summary>Opens what a client shows.</summary>
    /// <param name="shown">The position and its seal.</param>
    /// <param name="owner">Who shows it.</param>
    /// <param name="group">The group.</param>
    /// <param name="position">The last place that the client has.</param>
    /// <returns>Whether it is worth anything: not forged, not foreign, not expired, and not before the membership began.</returns>
    public bool TryOpen(ShownPosition shown, string owner, [NotNullWhen(true)] out string? group, out Position position)
    {
        (group, position) = (null, default);
        var dot = shown.Position.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !Position.TryParse(shown.Position[(dot + 1)..], out position) || Decrypt(shown.Seal, ScopeOf(shown.Stream, owner)) is not { } content)
            return false;
        if (BinaryPrimitives.ReadInt64LittleEndian(content) < node.TimeProvider.GetUtcNow().UtcTicks || position.Offset < BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(16)))
            return false;
        group = Encoding.ASCII.GetString(content.AsSpan(PlaceBytes));
        return shown.Position.AsSpan(0, dot).SequenceEqual(TagOf(group));
    }

    private byte[]? Decrypt(string text, byte[] scope)
    {
        try
        {
            var seal = Base64Url.DecodeFromChars(text);
            if (seal.Length <= NonceBytes + MacBytes + PlaceBytes)
                return null;
            var content = new byte[seal.Length - NonceBytes - MacBytes];
            using var aes = new AesGcm(_sealKey!, MacBytes);
            aes.Decrypt(seal.AsSpan(0, NonceBytes), seal.AsSpan(NonceBytes + MacBytes), seal.AsSpan(NonceBytes, MacBytes), content, scope);
            return content;
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            return null; // what a client sends is anything
        }
    }

    // The length tells where the stream ends, so that no two scopes are the same bytes.
    private static byte[] ScopeOf(string stream, string owner) => Encoding.UTF8.GetBytes($"{stream.Length}:{stream}{owner}");
}
