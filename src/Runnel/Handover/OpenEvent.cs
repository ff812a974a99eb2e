using Runnel.Consumers;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>Something that happened to a connection and that its consumer has not handled yet.</summary>
/// <param name="number">Its number.</param>
internal abstract class OpenEvent(long number)
{
    public long Number => number;

    /// <summary>Whether the present owner has it.</summary>
    public bool IsSent { get; set; }

    /// <summary>Whether an owner may have begun to handle it and did not finish.</summary>
    public bool IsRedelivered { get; set; }

    /// <summary>How many bytes of the client it holds.</summary>
    public virtual int MessageBytes => 0;

    public abstract LinkItem ToItem(long connection, int owner);

    /// <summary>A message of the client.</summary>
    internal sealed class Message(long number, bool isText, byte[] bytes) : OpenEvent(number)
    {
        public override int MessageBytes => bytes.Length + 1;

        public override LinkItem ToItem(long connection, int owner) => new ToWorker.Message(connection, owner, Number, IsRedelivered, isText, bytes);
    }

    /// <summary>An event of a group, or for the connection alone.</summary>
    internal sealed class Posted(long number, long stream, LocalMembership membership, GroupMessage message) : OpenEvent(number)
    {
        public LocalMembership Membership => membership;

        public GroupMessage Content => message;

        public override LinkItem ToItem(long connection, int owner) => new ToWorker.Event(message, new(connection, owner, stream, Number, IsRedelivered));
    }

    /// <summary>The end of the connection.</summary>
    internal sealed class End(long number, int code, bool wasAccepted) : OpenEvent(number)
    {
        public override LinkItem ToItem(long connection, int owner) => new ToWorker.End(connection, owner, Number, IsRedelivered, code, wasAccepted);
    }
}
