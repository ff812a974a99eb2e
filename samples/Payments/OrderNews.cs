using Runnel;

namespace Payments;

/// <summary>Tells its visitor, who looks at an order or at all of them, what it is like now.</summary>
internal sealed class OrderNews(IGroups groups)
{
    /// <summary>The group of those who follow all orders of a visitor.</summary>
    public static string GroupOf(string? visitor) => $"visitor.{visitor}";

    /// <summary>The group of those who follow one order. The id may be taken by another visitor before it is by this one, so it does not say the order alone.</summary>
    public static string GroupOf(string? visitor, string orderId) => $"order.{visitor}.{orderId}";

    public async Task PublishAsync(Order? order, CancellationToken cancellationToken)
    {
        if (order is null)
            return;
        await groups.SendJsonAsync(GroupOf(order.Owner, order.Id), order, cancellationToken);
        await groups.SendJsonAsync(GroupOf(order.Owner), order, cancellationToken);
    }
}
