using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel;
using Runnel.Layers;
using Runnel.TestApp;
using Runnel.Workers;

// A small application whose commands are tested: three channels, connections, and a way to put something on them.
var builder = WebApplication.CreateBuilder(args);
var runnel = builder.Services
    .AddRunnel(options => options.KeepHistory("articles", new Retention(1000, TimeSpan.FromMinutes(2)), isRequired: false).NodeLease = builder.Configuration.GetValue("Runnel:NodeLease", options.NodeLease))
    .ConfigureWorker(worker => worker.ShutdownGrace = TimeSpan.FromSeconds(builder.Configuration.GetValue("Runnel:Grace", 25)));
if (builder.Configuration["Runnel:UseLayer"] is { } address)
    runnel.UseLayer(address);
if (builder.Configuration["Runnel:Away"] is { } away)
    builder.Services.Configure<LayerOptions>(layer => layer.Factories[away] = new LayerFactoryOfNoServer());
if (builder.Configuration["Runnel:Misbehaves"] is { } how)
{
    for (var left = how == "two-stop-slowly" ? 2 : 1; left > 0; left--)
        builder.Services.AddHostedService(services => new MisbehavingService(how, services.GetRequiredService<IHostApplicationLifetime>()));
    if (how is not ("stops-badly" or "closes-badly")) // whose other services end, however long a busy machine takes for that
        builder.Services.PostConfigure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
}

var app = builder.Build();
if (builder.Configuration.GetValue<bool>("Runnel:Early"))
    _ = app.Services.GetRequiredService<IChannels>(); // as an application does that fills its channels before it runs
app.MapChannel("payments", (string text) => HandleAsync("payments", text), options => options.Track = true);
app.MapChannel("thumbnails", (string text) => HandleAsync("thumbnails", text), options => options.Concurrency = 2);
app.MapChannel("mail", async (string text, JobContext job, CancellationToken cancellationToken) =>
{
    await HandleAsync("mail", text);
    if (text == "long")
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
});
app.MapConsumer("/ws/{room}", consumer => consumer.OnReceive((text, connection) => connection.SendAsync($"{connection.Scope.RouteValue("room")} {text}"))).WithName("echo");
app.MapConsumer<CommandConsumer>("/commands");
app.MapJobs("/jobs");
app.MapPost("/send/{channel}/{text}", async (string channel, string text, IChannels channels) => (await channels.SendAsync(channel, text)).Id.ToString());
app.MapPost("/articles/{number}", (int number, IGroups groups) => groups.SendAsync("articles", $"article {number}"));
app.MapGet("/pid", () => Environment.ProcessId);
app.MapGet("/settings", (string keys, IConfiguration configuration) => string.Join('|', keys.Split(',').Select(key => configuration[key])));
var code = await app.RunRunnelAsync(args);
await CommandConsumer.SayWhatBecameOfThemAsync();
return code;

static Task HandleAsync(string channel, string text) => Console.Out.WriteLineAsync($"handled {channel} {text}");
