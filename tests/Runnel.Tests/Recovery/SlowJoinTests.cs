using Runnel.InMemory;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>A join that takes its time, because what the client missed has to be read first.</summary>
public sealed class SlowJoinTests
{
    [Fact]
    public async Task A_join_that_is_cancelled_while_the_history_is_read_ends_at_once_and_leaves_no_member_behind()
    {
        var held = new TaskCompletionSource();
        var backplane = new TornBackplane(new InMemoryBackplane(TimeProvider.System));
        await using var node = GreetedConnection.CreateNode(backplane);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 3);
        backplane.Held = held.Task;
        using var patience = new CancellationTokenSource();
        ImpatientConsumer.Patience = patience.Token;

        var connecting = GreetedConnection.ConnectAsync<ImpatientConsumer>(node, shown);
        await Wait.Until(() => backplane.Reads == 1, "the history is read");
        Assert.False(connecting.IsCompleted);
        await patience.CancelAsync();
        using var connection = await Wait.For(connecting, "the join to end");

        Assert.Equal(["cancelled"], connection.Payloads());
        Assert.Equal(0, node.Groups.CountOf("articles"));
        held.SetResult();
    }

    private sealed class ImpatientConsumer : JsonWebSocketConsumer
    {
        private static readonly AsyncLocal<CancellationToken> Current = new();
        private readonly CancellationToken _patience = Current.Value;

        public static CancellationToken Patience
        {
            set => Current.Value = value;
        }

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            var refusal = await Record.ExceptionAsync(() => Groups.AddAsync("articles", _patience).AsTask());
            await SendJsonAsync(refusal is OperationCanceledException ? "cancelled" : $"{refusal}", cancellationToken);
        }
    }
}
