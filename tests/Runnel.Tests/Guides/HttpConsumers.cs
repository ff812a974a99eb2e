using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore;

namespace Guides.HttpConsumers;

public interface IReports
{
    IAsyncEnumerable<string> LinesAsync(string year, ClaimsPrincipal reader, CancellationToken cancellationToken);
}

// <http-consumer>
public sealed class ReportConsumer(IReports reports) : HttpConsumer
{
    public override async Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken)
    {
        response.Headers.ContentType = "text/csv";
        await foreach (var line in reports.LinesAsync(request.Scope.RouteValue("year")!, request.User, cancellationToken))
            await response.WriteAsync(line, cancellationToken);
    }
}
// </http-consumer>

public static class Mapping
{
    public static void Map(WebApplication app)
    {
        // <http-consumer-map>
        app.MapHttpConsumer<ReportConsumer>("/reports/{year}", options => options.Timeout = TimeSpan.FromMinutes(5)).RequireAuthorization();
        // </http-consumer-map>
    }
}
