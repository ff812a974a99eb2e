using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Runnel;
using Runnel.Layers;

namespace Guides.Consumers;

// <consumer>
[Authorize]
public sealed class RoomConsumer(IRooms rooms) : JsonWebSocketConsumer
{
    private GroupName _room;

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        var room = Scope.RouteValue("room")!;
        if (!GroupName.IsValid(room) || !await rooms.MayEnterAsync(room, User, cancellationToken))
        {
            await RejectAsync(cancellationToken);
            return;
        }

        _room = room;
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync(_room, cancellationToken);
        await SendJsonAsync(await rooms.LatestAsync(room, cancellationToken), cancellationToken);
    }

    public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken)
    {
        if (message.ValueKind == JsonValueKind.String)
            await Groups.SendJsonAsync(_room, new Said(User.Identity?.Name, message.GetString()!), cancellationToken);
    }

    public override async Task OnDisconnectAsync(int code, CancellationToken cancellationToken) =>
        await Groups.SendJsonAsync(_room, new Said(User.Identity?.Name, "(left)"), cancellationToken);
}
// </consumer>

public sealed record Said(string? By, string Text);

public interface IRooms
{
    Task<bool> MayEnterAsync(string room, ClaimsPrincipal user, CancellationToken cancellationToken);

    Task<IReadOnlyList<Said>> LatestAsync(string room, CancellationToken cancellationToken);
}

// <consumer-subprotocol>
public sealed class TelemetryConsumer : WebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        if (Scope.Subprotocols.Contains("telemetry.v2"))
            await AcceptAsync(new AcceptOptions { Subprotocol = "telemetry.v2" }, cancellationToken);
        else
            await RejectAsync(cancellationToken);
    }

    public override Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        data.Length == 16 ? Task.CompletedTask : CloseAsync(4400, "A sample has 16 bytes.", cancellationToken);
}
// </consumer-subprotocol>

// <consumer-services>
public sealed class OrdersConsumer(IClock clock) : JsonWebSocketConsumer // lives as long as the connection
{
    public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken)
    {
        var shop = Services.GetRequiredService<ShopContext>(); // lives as long as this message
        shop.Orders.Add(new Order { Text = message.GetRawText(), At = clock.Now });
        await shop.SaveChangesAsync(cancellationToken);
    }
}
// </consumer-services>

public interface IClock
{
    DateTimeOffset Now { get; }
}

public sealed class Order
{
    public int Id { get; set; }

    public required string Text { get; set; }

    public DateTimeOffset At { get; set; }
}

public sealed class ShopContext(DbContextOptions<ShopContext> options) : DbContext(options)
{
    public DbSet<Order> Orders => Set<Order>();
}

public static class Mapping
{
    public static void Map(WebApplication app)
    {
        // <consumer-map>
        app.MapConsumer<RoomConsumer>("/ws/rooms/{room}");
        // </consumer-map>

        // <consumer-name>
        app.MapConsumer<RoomConsumer>("/ws/rooms/{room}").WithName("rooms");
        // </consumer-name>

        // <consumer-lambdas>
        app.MapConsumer("/ws/echo", c => c.OnReceive((text, connection) => connection.SendAsync(text)));
        // </consumer-lambdas>
    }
}
