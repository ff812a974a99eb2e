using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Runnel.Tests.Connections;

/// <summary>The timeout of every request to an application whose services have it, as ASP.NET Core's middleware sets one; it tells whether a request was excepted.</summary>
internal sealed class RequestTimeout : IHttpRequestTimeoutFeature, IStartupFilter
{
    public bool IsDisabled { get; private set; }

    public CancellationToken RequestTimeoutToken => CancellationToken.None;

    public void DisableTimeout() => IsDisabled = true;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, following) =>
        {
            context.Features.Set<IHttpRequestTimeoutFeature>(this);
            return following(context);
        });
        next(app);
    };
}
