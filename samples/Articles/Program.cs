using Articles;
using Microsoft.EntityFrameworkCore;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseStaticWebAssets();
if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null)
    builder.WebHost.UseUrls("http://localhost:5080");

builder.Services.AddDbContextFactory<ArticlesContext>(options =>
    ArticlesContext.UseDatabase(options, builder.Configuration.GetConnectionString("Articles"), builder.Environment.ContentRootPath));

// Every article that is committed goes to the group "articles". That is all there is to it.
// <binding>
builder.Services.AddRunnel().AddDataBinding<ArticlesContext>(binding => binding
    .Bind<Article>("articles", a => a.Fields(x => x.Id, x => x.Title, x => x.Body, x => x.CreatedAt)));
// </binding>

builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddProblemDetails();
builder.Services.AddHealthChecks().AddRunnel();
builder.Services.AddValidation();
builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = false);
builder.Services.AddRazorPages(options =>
{
    options.Conventions.AuthorizeFolder("/Admin");
    options.Conventions.AllowAnonymousToPage("/Admin/Login");
});
builder.AddAccess();

var app = builder.Build();
await using (var scope = app.Services.CreateAsyncScope())
    await scope.ServiceProvider.GetRequiredService<ArticlesContext>().CreateTablesAsync();
app.Services.GetRequiredService<Secrets>().Announce(app.Logger);

app.UseExceptionHandler();
app.UseStatusCodePages();
app.Use((context, next) =>
{
    // Everything the pages need comes from here, and nothing else may run in them.
    context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    context.Response.Headers.XContentTypeOptions = "nosniff";
    return next(context);
});
app.UseAuthentication();
app.UseAuthorization();
app.UseRateLimiter();

app.MapConsumer<ArticlesConsumer>("/ws/articles");
app.MapDemultiplexer("/ws", d => d.Stream<ArticlesConsumer>("articles"));
app.MapRunnelClient();
app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
app.MapHealthChecks("/health/live", new() { Predicate = _ => false });
app.MapArticlesApi();
app.MapStaticAssets();
app.MapRazorPages();

return await app.RunRunnelAsync(args);
