using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel;
using Runnel.Workers;

namespace Guides.Channels;

public interface IImages
{
    Task ResizeAsync(string path, int width, CancellationToken cancellationToken);
}

public interface IGateway
{
    Task ChargeAsync(string orderId, CancellationToken cancellationToken);
}

// <channels-message>
[MessageType("resize")]
public sealed record ResizePhoto(string Path, int[] Widths);
// </channels-message>

[MessageType("pay")]
public sealed record Pay(string OrderId);

public sealed record Reconcile;

// <channels-class>
public sealed class PayConsumer(IGateway gateway) : ChannelConsumer<Pay>
{
    public override async Task OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken)
    {
        try
        {
            await gateway.ChargeAsync(message.OrderId, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new RetryAfterException(TimeSpan.FromSeconds(30), "The gateway is away.", exception);
        }
    }
}
// </channels-class>

public static class Program
{
    public static void Map(WebApplicationBuilder builder, WebApplication app)
    {
        // <channels-map>
        app.MapChannel("thumbnails", async (ResizePhoto photo, IImages images, JobContext job, CancellationToken cancellationToken) =>
        {
            for (var done = 0; done < photo.Widths.Length; done++)
            {
                await images.ResizeAsync(photo.Path, photo.Widths[done], cancellationToken);
                await job.ReportAsync((done + 1.0) / photo.Widths.Length, photo.Path);
            }
        }, options => (options.Track, options.Ordered) = (true, true));

        app.MapChannel<PayConsumer>("payments", options => options.Concurrency = 4);
        app.MapJobs("/jobs");
        // </channels-map>

        // <channels-send>
        app.MapPost("/photos", async (ResizePhoto photo, IChannels channels) =>
        {
            var sent = await channels.SendAsync("thumbnails", photo, new SendOptions { Key = photo.Path });
            return TypedResults.Accepted($"/jobs/{sent.Id}");
        });
        // </channels-send>

        // <channels-owner>
        app.MapPost("/albums/{album}/photos", async (string album, ResizePhoto photo, ClaimsPrincipal user, IChannels channels) =>
        {
            var owner = user.FindFirstValue(ClaimTypes.NameIdentifier);
            var sent = await channels.SendAsync("thumbnails", photo, new SendOptions { Owner = owner, Tags = [$"album:{album}"] });
            return TypedResults.Accepted($"/jobs/{sent.Id}");
        });
        // </channels-owner>

        // <channels-may-see>
        app.MapJobs("/album-jobs", jobs =>
        {
            jobs.MaySee = (context, job) => new(context.User.IsInRole("editor") && job.Tags.Contains("album:7"));
            jobs.MayCancel = (context, job) => new(context.User.IsInRole("admin"));
        });
        // </channels-may-see>

        // <channels-add>
        builder.Services.AddRunnel().AddChannel("thumbnails", channel =>
        {
            channel.Ordered = true;
            channel.Capacity = 10_000;
        });
        // </channels-add>

        // <recurring-add>
        builder.Services.AddRunnel()
            .AddRecurring("reconcile-payments", TimeSpan.FromMinutes(5), "payments", new Reconcile())
            .AddRecurring("nightly-report", "30 2 * * MON-FRI", "reports", new Reconcile());
        // </recurring-add>
    }
}
