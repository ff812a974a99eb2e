using Microsoft.Extensions.Hosting;
using Runnel;
using Runnel.Layers;

namespace Guides.Groups;

// <groups-service>
public sealed class PriceFeed(IGroups groups, IPrices prices) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var price in prices.ReadAllAsync(stoppingToken))
            await groups.SendJsonAsync($"prices.{price.Symbol}", price, stoppingToken);
    }
}
// </groups-service>

public sealed record Price(string Symbol, decimal Amount);

public interface IPrices
{
    IAsyncEnumerable<Price> ReadAllAsync(CancellationToken cancellationToken);
}

public sealed record OrderShipped(int OrderId, string Carrier);

public interface IOrders
{
    Task<bool> MaySeeAsync(int orderId, string? user, CancellationToken cancellationToken);
}

// <groups-event>
public sealed class OrdersConsumer(IOrders orders) : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync("orders", cancellationToken);
    }

    [Handles("order.shipped")]
    public async Task OnShippedAsync(OrderShipped shipped, CancellationToken cancellationToken)
    {
        if (await orders.MaySeeAsync(shipped.OrderId, User.Identity?.Name, cancellationToken))
            await SendJsonAsync(shipped, cancellationToken);
    }
}
// </groups-event>

public static class Sending
{
    public static async Task SendAsync(IGroups groups, IChannels channels, ChannelName channel, CancellationToken cancellationToken)
    {
        // <groups-send-event>
        await groups.SendEventAsync("orders", "order.shipped", new OrderShipped(17, "By ship"), cancellationToken);
        // </groups-send-event>

        // <groups-one>
        await groups.AddAsync("vip", channel, cancellationToken);
        await channels.SendEventAsync(channel, "order.shipped", new OrderShipped(18, "By hand"), cancellationToken);
        // </groups-one>
    }
}
