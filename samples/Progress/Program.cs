using Progress;
using Runnel.Layers;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseStaticWebAssets();
if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null)
    builder.WebHost.UseUrls("http://localhost:5081");

// A file beside the sample, unless --layer or Runnel__Layer names another layer.
// Where it keeps history, a page that comes back hears of the tasks that were started meanwhile. The states of a task recover by themselves.
builder.Services.AddRunnel(options => options.KeepHistory("tasks.*", new Retention(100, TimeSpan.FromMinutes(5)), isRequired: false))
    .UseLayer($"sqlite:{Path.Combine(builder.Environment.ContentRootPath, "progress.db")}");

builder.Services.AddSingleton<RecentTasks>();
builder.Services.AddHttpClient<BackendClient>();
builder.Services.AddProblemDetails();
builder.Services.AddHealthChecks().AddRunnel();
builder.Services.AddValidation();
builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = false);

var app = builder.Build();

app.UseExceptionHandler();
app.UseStatusCodePages();
app.Use((context, next) =>
{
    // Everything the page needs comes from here, and nothing else may run in it.
    context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    context.Response.Headers.XContentTypeOptions = "nosniff";
    return next(context);
});
app.UseVisitors();
app.UseDefaultFiles();
app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" });

// Few attempts with short rests, so that a person can watch a task fail, come back and be given up.
app.MapChannel<TaskConsumer>("tasks", channel =>
{
    channel.Track = true;
    channel.Cancellable = true;
    channel.Retry = new() { MaxAttempts = 3, BaseDelay = TimeSpan.FromSeconds(1) };
});
app.MapChannel<PolledTaskConsumer>("polled-tasks", channel =>
{
    channel.Track = true;
    channel.Cancellable = true;
    channel.Retry = new() { BaseDelay = TimeSpan.FromMilliseconds(500), MaxDelay = TimeSpan.FromSeconds(10) };
});

app.MapTasksApi();
// A task belongs to the visitor who started it, and what belongs to nobody to nobody.
app.MapJobs("/jobs", jobs => jobs.MaySee = (context, job) => new(job.Owner == Visitor.Of(context.User)));
app.MapConsumer<TasksConsumer>("/ws/tasks");
app.MapRunnelClient();
app.MapBackend();
app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
app.MapHealthChecks("/health/live", new() { Predicate = _ => false });

// How full the channels are, for whoever scales the workers: only at a port of its own, which no proxy shows to the world.
if (builder.Configuration.GetValue<int?>("MetricsPort") is { } port)
{
    app.MapChannelDepths("/metrics/channels").AddEndpointFilter((call, next) =>
        call.HttpContext.Connection.LocalPort == port ? next(call) : ValueTask.FromResult<object?>(TypedResults.NotFound()));
}

return await app.RunRunnelAsync(args);
