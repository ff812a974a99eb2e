namespace Runnel.Handover;

/// <summary>What the two halves of a connection say to each other. An item begins with what it is; nearly all go on with the number of the connection and of its owner.</summary>
/// <remarks>
/// The numbers travel. Never change one: nodes of two versions of the application work together while it is deployed. A node that reads an item that it does not know logs and drops it.
/// The writers are <see cref="ToWorker"/> and <see cref="ToGateway"/>; the readers are <see cref="ConnectionWorker"/> and <see cref="ConnectionOwners"/>.
/// </remarks>
internal static class HandoverFormat
{
    /// <summary>The version of an assignment. A worker that does not know it refuses the connection.</summary>
    public const byte Version = 1;

    /// <summary>From the gateway to the worker.</summary>
    internal enum Told : byte
    {
        /// <summary>The connection is yours: version, endpoint, <see cref="Traits"/>, first number and count of streams, kept, streams (number, name, whether it is over, kept), scope.</summary>
        Assign = 1,

        /// <summary>The client sent text: number, whether it was sent to another worker before, bytes.</summary>
        Text = 2,

        /// <summary>The client sent bytes.</summary>
        Binary = 3,

        /// <summary>An event for several connections: the group of a gap (else empty), the count of connections, for each connection, owner, stream, number, redelivered; the envelope.</summary>
        Event = 4,

        /// <summary>The connection is over: number, redelivered, code, whether it was accepted.</summary>
        End = 5,

        /// <summary>The client is gone; the end follows.</summary>
        Gone = 6,

        /// <summary>The outcome of a join: request, outcome (or 255 and a sentence, 254 and a sentence when the layer is away).</summary>
        Joined = 7,

        /// <summary>Frames are in the client's queue: count, bytes.</summary>
        Taken = 8,

        /// <summary>Give the connection back when its consumer has handled the event at hand.</summary>
        GiveBack = 9,

        /// <summary>The connection is not yours any more.</summary>
        Lost = 10,
    }

    /// <summary>From the worker to the gateway.</summary>
    internal enum Asked : byte
    {
        /// <summary>Accept the client: subprotocol, count of headers, name and value of each.</summary>
        Accept = 1,

        /// <summary>Refuse the client.</summary>
        Reject = 2,

        /// <summary>Send a frame: kind, payload.</summary>
        Frame = 3,

        /// <summary>Close: code, reason.</summary>
        Close = 4,

        /// <summary>Cut the connection.</summary>
        Abort = 5,

        /// <summary>The consumer has connected, or adopted the connection: kept.</summary>
        Connected = 6,

        /// <summary>An event was handled: its number, the stream whose value is kept (0: the socket), kept.</summary>
        Handled = 7,

        /// <summary>A value is kept, outside of an event: stream, kept.</summary>
        Kept = 8,

        /// <summary>Join a group: stream, request, group.</summary>
        Join = 9,

        /// <summary>Leave a group: stream, group.</summary>
        Leave = 10,

        /// <summary>A stream begins to connect: number, name.</summary>
        StreamBegins = 11,

        /// <summary>A stream has connected: number, kept.</summary>
        StreamConnected = 12,

        /// <summary>A stream is over: number.</summary>
        StreamEnds = 13,

        /// <summary>The connection is given back: whether an event was cut short.</summary>
        Released = 14,

        /// <summary>The assignment is refused: <see cref="Refusal"/>.</summary>
        Refused = 15,
    }

    /// <summary>Why a worker refuses an assignment.</summary>
    internal enum Refusal : byte
    {
        /// <summary>It does not know the endpoint, or the version: the application there is another. Another worker may know it.</summary>
        Unknown = 1,

        /// <summary>It could not begin.</summary>
        Failed = 2,

        /// <summary>It has as many connections as it takes. It may have room later.</summary>
        Full = 3,
    }

    /// <summary>What an assignment is about.</summary>
    [Flags]
    internal enum Traits : byte
    {
        None = 0,

        /// <summary>The client speaks <c>runnel.v1</c>, and its socket is open.</summary>
        Greeted = 1,

        /// <summary>Another worker had the connection before.</summary>
        Adopted = 2,
    }
}
