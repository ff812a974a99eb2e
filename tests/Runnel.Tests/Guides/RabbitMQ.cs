using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using Runnel.RabbitMQ;

namespace Guides.RabbitMQ;

public static class Program
{
    public static void Choose(WebApplicationBuilder builder)
    {
        // <rabbitmq-use>
        builder.Services.AddRunnel().UseRabbitMQ("amqp://broker/shop", rabbit => rabbit.Prefix = "shop").UseSqliteState("/var/lib/shop/states.db");
        // </rabbitmq-use>
    }

    public static void Publish(WebApplication app)
    {
        // <rabbitmq-connection>
        app.MapPost("/audit", async (RabbitMQConnections rabbit) =>
        {
            var connection = await rabbit.GetConnectionAsync();
            await using var channel = await connection.CreateChannelAsync();
            await channel.BasicPublishAsync("audit", "posted", "{}"u8.ToArray());
        });
        // </rabbitmq-connection>
    }
}
