using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>What nodes say to each other, all on one topic.</summary>
internal static class NodeWords
{
    /// <summary>"I live": a <see cref="NodeBeat"/>.</summary>
    public const string BeatType = InboxSender.OwnTypes + "node";

    /// <summary>"Who is there?", without a body.</summary>
    public const string AskType = InboxSender.OwnTypes + "node-ask";

    /// <summary>"I leave": a <see cref="NodeNotice"/>.</summary>
    public const string LeaveType = InboxSender.OwnTypes + "node-leave";

    /// <summary>"You were dead to me": a <see cref="NodeNotice"/>, to a node that is heard again.</summary>
    public const string DeadType = InboxSender.OwnTypes + "node-dead";

    public static Topic Topic { get; } = Topic.OfRunnel("nodes");

    public static byte[] Ask { get; } = Encode(AskType, []);

    public static byte[] Beat(NodeBeat beat) => Encode(BeatType, JsonSerializer.SerializeToUtf8Bytes(beat));

    public static byte[] Leave(NodeNotice notice) => Encode(LeaveType, JsonSerializer.SerializeToUtf8Bytes(notice));

    public static byte[] Dead(NodeNotice notice) => Encode(DeadType, JsonSerializer.SerializeToUtf8Bytes(notice));

    /// <summary>Reads what <see cref="Beat"/> and the others wrote.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static T Read<T>(Message message)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(message.Body.Span) ?? throw new FormatException($"A message '{message.Type}' is empty.");
        }
        catch (JsonException exception)
        {
            throw new FormatException($"A message '{message.Type}' cannot be read.", exception);
        }
    }

    private static byte[] Encode(string type, byte[] body) => EnvelopeFormat.Encode(new Envelope(new Message(type, body))).ToArray();
}
