using Payments;
using Runnel.Layers;
using Runnel.Workers;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseStaticWebAssets();
if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null)
    builder.WebHost.UseUrls("http://localhost:5082");

// A file beside the sample, unless --layer or Runnel__Layer names another layer.
// Where it keeps history, a page that comes back gets what it missed.
builder.Services.AddRunnel(options => options
        .KeepHistory("visitor.*", new Retention(200, TimeSpan.FromMinutes(5)), isRequired: false)
        .KeepHistory("order.*", new Retention(20, TimeSpan.FromMinutes(5)), isRequired: false))
    .UseLayer($"sqlite:{Path.Combine(builder.Environment.ContentRootPath, "payments.db")}")
    .AddRecurring("reconcile-payments", PaymentsOptions.ReconcileEvery(builder.Environment), "reconciliation", new Reconcile());

builder.Services.Configure<PaymentsOptions>(options => options.ForgottenAfter = PaymentsOptions.ForgottenAfterIn(builder.Environment));
builder.Services.AddSingleton<DataFolder>();
builder.Services.AddSingleton<OrderStore>();
builder.Services.AddSingleton<Ledger>();
builder.Services.AddSingleton<Gateway>();
builder.Services.AddSingleton<OrderNews>();
builder.Services.AddSingleton<Payment>();
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

app.MapChannel<ChargeConsumer>(Payment.Payments, InOrderAndOnce);
app.MapChannel<FollowUpConsumer>(Payment.Status, InOrderAndOnce);
app.MapChannel<ReconcileConsumer>("reconciliation", channel => channel.Concurrency = 1);

app.MapOrdersApi();
app.MapConsumer<OrdersConsumer>("/ws/orders");
app.MapConsumer<OrdersConsumer>("/ws/orders/{id}");
app.MapRunnelClient();
app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
app.MapHealthChecks("/health/live", new() { Predicate = _ => false });

return await app.RunRunnelAsync(args);

// The messages of one order one after another, and each of them once.
void InOrderAndOnce(ChannelOptions channel)
{
    (channel.Ordered, channel.Deduplicate) = (true, true);
    channel.Retry = PaymentsOptions.RetryIn(app.Environment);
}
