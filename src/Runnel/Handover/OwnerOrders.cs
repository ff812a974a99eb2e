using Runnel.Links;
using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>Receives what workers ask for, and does it if they are the owners.</summary>
internal sealed class OwnerOrders(NodeContext node, NodeLinks links, ConnectionOwners owners) : ILinkReceiver
{
    public void OnMessage(string nodeId, ReadOnlyMemory<byte> body)
    {
        var reader = new WireReader(body);
        var asked = (HandoverFormat.Asked)reader.Byte();
        var (number, owner) = (reader.Number(), reader.Int());
        if (owners.Find(number) is { } session && TryTake(session, asked, nodeId, owner, ref reader))
            return;
        HandoverMetrics.WasRefused();
        Log.FormerOwnerRefused(node.Logger, nodeId, number);
        links.Send(nodeId, new ToWorker(HandoverFormat.Told.Lost, number, owner));
    }

    public void OnEnded(string nodeId) => owners.Lose(nodeId);

    private bool TryTake(HandedSession session, HandoverFormat.Asked asked, string worker, int owner, ref WireReader reader)
    {
        switch (asked)
        {
            case HandoverFormat.Asked.Handled:
                return session.TrySettle(worker, owner, reader.Number(), reader.Number(), reader.Optional());
            case HandoverFormat.Asked.Kept:
                return session.TryKeep(worker, owner, reader.Number(), reader.Optional());
            case HandoverFormat.Asked.Released:
                return owners.TryTakeBack(session, worker, owner, reader.Byte() != 0);
            case HandoverFormat.Asked.Refused:
                return owners.TryTakeRefusal(session, worker, owner, (HandoverFormat.Refusal)reader.Byte());
            case HandoverFormat.Asked.Close:
                return session.TryClose(worker, owner, reader.Int(), reader.Text());
            case HandoverFormat.Asked.Abort:
                return session.TryAbort(worker, owner);
            case HandoverFormat.Asked.Frame:
            {
                var frame = Frame.Of((FrameKind)reader.Byte(), reader.Rest.Span);
                return session.TryObey(worker, owner, () => session.SendAsync(frame, owner));
            }
            default:
                return Order(session, asked, owner, ref reader) is { } order ? session.TryObey(worker, owner, order) : EndUnknown(session, asked, worker);
        }
    }

    private static Func<ValueTask>? Order(HandedSession session, HandoverFormat.Asked asked, int owner, ref WireReader reader)
    {
        switch (asked)
        {
            case HandoverFormat.Asked.Accept:
            {
                var options = ReadAccept(ref reader);
                return () => session.AcceptAsync(options);
            }
            case HandoverFormat.Asked.Reject:
                return session.RejectAsync;
            default:
                return OrderOfStream(session, asked, owner, ref reader);
        }
    }

    private static Func<ValueTask>? OrderOfStream(HandedSession session, HandoverFormat.Asked asked, int owner, ref WireReader reader)
    {
        switch (asked)
        {
            case HandoverFormat.Asked.Connected or HandoverFormat.Asked.StreamConnected or HandoverFormat.Asked.StreamEnds:
            {
                var (stream, kept) = (reader.Number(), reader.Optional());
                return asked switch
                {
                    HandoverFormat.Asked.Connected => () => session.BeginAsync(owner, kept),
                    HandoverFormat.Asked.StreamConnected => () => session.ConnectStreamAsync(stream, kept),
                    _ => () => session.EndStreamAsync(stream),
                };
            }
            case HandoverFormat.Asked.Join or HandoverFormat.Asked.Leave or HandoverFormat.Asked.StreamBegins:
            {
                var (stream, request, name) = (reader.Number(), reader.Number(), reader.Text());
                return asked switch
                {
                    HandoverFormat.Asked.Join => () => session.JoinAsync(owner, stream, request, name),
                    HandoverFormat.Asked.Leave => () => session.LeaveAsync(stream, name),
                    _ => () => session.BeginStreamAsync(stream, name),
                };
            }
            default:
                return null;
        }
    }

    private static AcceptOptions ReadAccept(ref WireReader reader)
    {
        var subprotocol = reader.Text();
        Dictionary<string, string>? headers = null;
        for (var left = reader.Int(); left > 0; left--)
            (headers ??= [])[reader.Text()] = reader.Text();
        return new AcceptOptions { Subprotocol = subprotocol.Length > 0 ? subprotocol : null, Headers = headers };
    }

    // A worker of a later version wants something that this gateway does not know: without it, the connection would be wrong.
    private static bool EndUnknown(HandedSession session, HandoverFormat.Asked asked, string worker)
    {
        Log.UnknownItem(session.Connection.Node.Logger, (byte)asked, worker, session.Connection.Number);
        _ = session.Connection.CloseAsync(CloseCode.ServiceRestart, "The server is restarting.");
        return true;
    }
}
