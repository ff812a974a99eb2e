using Runnel;

namespace Payments;

/// <summary>Tells who looks at an order, or at all of them, what it is like now.</summary>
internal sealed class OrderNews(IGroups groups)
{
    public const string All = "orders";

    public static string GroupOf(string orderId) => $"orders.{orderId}";

    public async Task PublishAsync(Order? order, CancellationToken cancellationToken)
    {
        if (order is null)
            return;
        await groups.SendJsonAsync(GroupOf(order.Id), order, cancellationToken);
        await groups.SendJsonAsync(All, order, cancellationToken);
    }
}
