using Runnel.Handover;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>Which connections a gateway asks back, so that a worker that has little gets its share.</summary>
public sealed class OwnerBalanceTests
{
    private const string Chat = "chat", Other = "other";

    private readonly Dictionary<string, int> _load = [];
    private readonly List<Movable> _connections = [];
    private readonly HashSet<string> _full = [];

    [Fact]
    public void While_no_worker_has_little_nobody_looks_at_the_connections()
    {
        Give("busy", 100, Chat);
        Give("idle", 80, Chat);

        Assert.Null(Record.Exception(() => OwnerBalance.AskBack(Untouchable(), [Chat], _load, static _ => "idle", _full.Contains)));

        _load["idle"] = 66; // the mean is 83
        Assert.Throws<InvalidOperationException>(() => OwnerBalance.AskBack(Untouchable(), [Chat], _load, static _ => "idle", _full.Contains));

        static IEnumerable<IMovable> Untouchable()
        {
            yield return new Movable(Chat, "busy");
            throw new InvalidOperationException("Somebody looks at all of them.");
        }
    }

    [Fact]
    public void A_worker_that_has_nothing_gets_as_many_as_the_mean()
    {
        Give("busy", 31, Chat);

        AskBack("idle");

        Assert.Equal(15, AskedBack);
    }

    [Fact]
    public void At_most_a_hundred_are_asked_back_at_once_and_those_on_their_way_are_not_asked_again()
    {
        Give("busy", 300, Chat);

        AskBack("idle");
        Assert.Equal(100, AskedBack);
        AskBack("idle");

        Assert.Equal(150, AskedBack);
        Assert.All(_connections, static connection => Assert.InRange(connection.Asked, 0, 1));
    }

    [Fact]
    public void A_worker_that_was_full_is_asked_with_one_connection_first()
    {
        Give("busy", 30, Chat);
        _full.Add("idle");

        AskBack("idle");
        AskBack("idle");
        Assert.Equal(1, AskedBack);
        _full.Clear();
        AskBack("idle");

        Assert.Equal(15, AskedBack);
    }

    [Fact]
    public void Connections_that_cannot_move_and_those_of_endpoints_that_the_worker_does_not_take_stay()
    {
        Give("busy", 10, Other);
        Give("busy", 10, Chat, canMove: false);
        Give("busy", 4, Chat);

        OwnerBalance.AskBack(_connections, [Chat, Other], _load, static endpoint => endpoint == Chat ? "idle" : null, _full.Contains);

        Assert.Equal(4, AskedBack);
        Assert.DoesNotContain(_connections, static connection => connection.IsAskedBack && (connection.Endpoint == Other || !connection.WasMovable));
    }

    [Fact]
    public void No_worker_is_left_with_less_than_the_mean()
    {
        Give("most", 20, Chat);
        Give("some", 10, Chat);

        AskBack("idle");

        Assert.Equal(10, AskedBack);
        Assert.DoesNotContain(_connections, static connection => connection.IsAskedBack && connection.Worker == "some");
    }

    private int AskedBack => _connections.Count(static connection => connection.IsAskedBack);

    private void AskBack(string idle) => OwnerBalance.AskBack(_connections, [Chat], _load, _ => idle, _full.Contains);

    private void Give(string worker, int count, string endpoint, bool canMove = true)
    {
        _load[worker] = _load.GetValueOrDefault(worker) + count;
        for (; count > 0; count--)
            _connections.Add(new(endpoint, worker, canMove));
    }

    private sealed class Movable(string endpoint, string worker, bool canMove = true) : IMovable
    {
        public string Endpoint => endpoint;

        public string? Worker => worker;

        public bool WasMovable => canMove;

        public bool CanMove => canMove && !IsAskedBack;

        public bool IsAskedBack => Asked > 0;

        public int Asked { get; private set; }

        public void AskBack()
        {
            if (CanMove)
                Asked++;
        }
    }
}
