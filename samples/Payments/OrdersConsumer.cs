using Runnel;

namespace Payments;

/// <summary>One open page: follows one order of its visitor, or all.</summary>
internal sealed class OrdersConsumer(OrderStore orders) : JsonWebSocketConsumer
{
    private const int Latest = 50;

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        var id = Scope.RouteValue("id");
        if (id is not null && !OrdersApi.IsOrderId(id))
        {
            await RejectAsync(cancellationToken);
            return;
        }
        await AcceptAsync(cancellationToken);

        // Join first, read second, so that nothing falls into a gap.
        var visitor = Visitor.Of(Scope.User);
        var joined = await Groups.AddAsync(id is null ? OrderNews.GroupOf(visitor) : OrderNews.GroupOf(visitor, id), cancellationToken);
        if (joined.Outcome is JoinOutcome.Recovered)
            return; // what the page missed follows by itself
        if (id is null)
            await SendJsonAsync(new { action = "snapshot", data = await orders.ListAsync(visitor, Latest) }, cancellationToken);
        else if (await orders.FindAsync(id) is { } order && order.Owner == visitor)
            await SendJsonAsync(order, cancellationToken);
    }

    /// <summary>Another worker had this page. It is still in its group, and this consumer needs nothing else.</summary>
    public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
