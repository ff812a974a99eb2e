using Guides.Groups;
using Guides.Readme;
using Microsoft.AspNetCore.Builder;

namespace Guides.Demultiplexer;

public static class Mapping
{
    public static void Map(WebApplication app)
    {
        // <demultiplexer>
        app.MapDemultiplexer("/ws", d => d
            .Stream<NewsConsumer>("news")
            .Stream<OrdersConsumer>("orders"));
        // </demultiplexer>
    }
}
