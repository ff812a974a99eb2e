using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Runnel;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Handover;
using Runnel.AspNetCore.Http;
using Runnel.AspNetCore.Jobs;
using Runnel.AspNetCore.Sockets;
using Runnel.Workers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps consumers to paths.</summary>
public static class RunnelEndpointRouteBuilderExtensions
{
    /// <summary>Maps a consumer to a path: each WebSocket that connects there gets an instance of its own.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path's pattern; what it captures is read with <see cref="ConsumerScope.RouteValue"/>.</param>
    /// <param name="configure">Limits, allowed origins and what happens to a client that cannot keep up.</param>
    /// <returns>The endpoint, for <c>RequireAuthorization()</c>, <c>WithName()</c> and the like; attributes of the class such as <c>[Authorize]</c> count too, on a shared socket those of every stream.</returns>
    /// <exception cref="ArgumentException">Runnel cannot call a method that has <see cref="HandlesAttribute"/>.</exception>
    /// <exception cref="InvalidOperationException"><c>AddRunnel</c> was not called; or the outbound policy drops messages, and every group keeps history.</exception>
    public static IEndpointConventionBuilder MapConsumer<TConsumer>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Action<ConsumerEndpointOptions>? configure = null)
        where TConsumer : WebSocketConsumer =>
        Map(endpoints, pattern, ConsumerDescriptor.For<TConsumer>(), configure);

    /// <summary>Maps a consumer made of functions to a path.</summary>
    /// <example><code>app.MapConsumer("/ws/echo", c => c.OnReceive((text, connection) => connection.SendAsync(text)));</code></example>
    /// <inheritdoc cref="MapConsumer{TConsumer}(IEndpointRouteBuilder, string, Action{ConsumerEndpointOptions}?)"/>
    public static IEndpointConventionBuilder MapConsumer(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Action<ConsumerBuilder> build, Action<ConsumerEndpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(build);
        var builder = new ConsumerBuilder();
        build(builder);
        return Map(endpoints, pattern, ConsumerDescriptor.For(builder), configure);
    }

    /// <summary>Maps a shared socket: many consumers on one connection, each a stream, in frames <c>{"stream": …, "payload": …}</c>.</summary>
    /// <example><code>app.MapDemultiplexer("/ws", d => d.Stream&lt;ArticlesConsumer&gt;("articles"));</code></example>
    /// <inheritdoc cref="MapConsumer{TConsumer}(IEndpointRouteBuilder, string, Action{ConsumerEndpointOptions}?)"/>
    public static IEndpointConventionBuilder MapDemultiplexer(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Action<DemultiplexerBuilder> build, Action<ConsumerEndpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(build);
        var builder = new DemultiplexerBuilder();
        build(builder);
        return Map(endpoints, pattern, builder.Describe(), configure);
    }

    /// <summary>Maps a consumer that answers HTTP requests, of every method, at a path. On a node that leaves its consumers to workers, a worker answers.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path's pattern; what it captures is read with <see cref="ConsumerScope.RouteValue"/>.</param>
    /// <param name="configure">Limits.</param>
    /// <returns>The endpoint, for <c>RequireAuthorization()</c>, <c>WithName()</c> and the like; attributes of the class such as <c>[Authorize]</c> count too.</returns>
    /// <exception cref="InvalidOperationException"><c>AddRunnel</c> was not called.</exception>
    /// <example><code>app.MapHttpConsumer&lt;ReportConsumer&gt;("/reports/{id}");</code></example>
    public static IEndpointConventionBuilder MapHttpConsumer<TConsumer>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Action<HttpConsumerOptions>? configure = null)
        where TConsumer : HttpConsumer
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var services = Registered(endpoints);
        var options = new HttpConsumerOptions();
        configure?.Invoke(options);
        options.Validate();
        var mapped = new MappedHttpConsumer(new HttpConsumerDescriptor(typeof(TConsumer)));
        var endpoint = new Lazy<HttpConsumerEndpoint>(() => ActivatorUtilities.CreateInstance<HttpConsumerEndpoint>(services, mapped, options));
        services.GetRequiredService<MappedConsumers>().AreMapped = true;
        return endpoints.Map(pattern, (RequestDelegate)(context => endpoint.Value.HandleAsync(context)))
            .WithDisplayName($"{mapped.Consumer} at {pattern}")
            .WithMetadata([.. mapped.Descriptor.Metadata, mapped]);
    }

    /// <summary>Serves the browser client, an ES module, at <c>/_runnel/client.js</c>. Beside it are its types (<c>client.d.ts</c>) and its source map.</summary>
    /// <example><code>import { connect } from "/_runnel/client.js";</code></example>
    public static IEndpointConventionBuilder MapRunnelClient(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var files = endpoints.MapGroup("/_runnel");
        foreach (var file in BrowserClient.Files)
            files.MapGet(file.Name, file.Serve);
        return files;
    }

    /// <summary>Serves how full the channels are, in the text format of Prometheus: what workers are scaled by, and alarms are raised from.</summary>
    /// <remarks>
    /// Each request asks the layer, and every process that shares the layer answers the same. Names of channels are nobody's business outside: require authorization, or keep the path inside.
    /// Gauges: <c>runnel_channel_messages{channel, state}</c> with the states <c>ready</c>, <c>scheduled</c>, <c>blocked</c>, <c>in_flight</c> and <c>dead</c>, and
    /// <c>runnel_channel_oldest_ready_seconds{channel}</c>. RabbitMQ tells only <c>ready</c> and <c>dead</c>.
    /// </remarks>
    /// <example><code>app.MapChannelDepths("/metrics/channels").RequireAuthorization();</code></example>
    public static IEndpointConventionBuilder MapChannelDepths(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/metrics/channels")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.MapGet(pattern, ChannelDepths.AnswerAsync);
    }

    /// <summary>Maps the jobs of tracked channels: <c>GET {prefix}/{id}</c>, <c>GET …/events</c> (server-sent events), <c>…/socket</c> (WebSocket), <c>DELETE …</c> to cancel, where the channel is <see cref="ChannelOptions.Cancellable"/>.</summary>
    /// <remarks>
    /// All say the same of a job: <c>{id, channel, state, progress, text, attempt, error, result, createdAt, updatedAt, expiresAt}</c>. An unknown job is a 404. A
    /// stream of events counts as a connection (<see cref="GatewayOptions"/>). Whoever has seen the end is told to stay away: 204, or close code 4410.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Where, <c>/jobs</c> for example.</param>
    /// <param name="configure">Who may see and cancel which job.</param>
    /// <returns>All of them, for <c>RequireAuthorization()</c> and the like.</returns>
    public static IEndpointConventionBuilder MapJobs(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string prefix = "/jobs", Action<JobsEndpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var options = new JobsEndpointOptions();
        configure?.Invoke(options);
        var group = endpoints.MapGroup(prefix);
        var services = endpoints.ServiceProvider;
        var jobs = new Lazy<JobEndpoints>(() => new JobEndpoints(options, services.GetRequiredService<IJobs>(), services.GetRequiredService<ChannelRegistry>(), ActivatorUtilities.CreateInstance<JobEvents>(services)));
        JobEndpoints.Map(group, jobs);
        var socket = EndpointOf(endpoints, ConsumerDescriptor.For<JobConsumer>(), configure: null);
        var refuser = new ConsumerBuilder();
        JobConsumer.RefuseUnknown(refuser);
        var refusing = EndpointOf(endpoints, ConsumerDescriptor.For(refuser), configure: null);
        group.Map("/{id}/socket", async context =>
        {
            if (await jobs.Value.FindAsync(context) is not null)
                await socket.Value.HandleAsync(context);
            else if (WebSocketHandshake.IsValid(context, out _))
                await refusing.Value.HandleAsync(context);
            else
                await JobEndpoints.NotFound(context).ExecuteAsync(context);
        });
        return group;
    }

    private static IEndpointConventionBuilder Map(
        IEndpointRouteBuilder endpoints, string pattern, ConsumerDescriptor descriptor, Action<ConsumerEndpointOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var endpoint = EndpointOf(endpoints, descriptor, configure);
        endpoints.ServiceProvider.GetRequiredService<MappedConsumers>().AreMapped = true;
        return endpoints.Map(pattern, (RequestDelegate)(context => endpoint.Value.HandleAsync(context)))
            .WithDisplayName($"{descriptor.Name} at {pattern}")
            .WithMetadata([.. descriptor.Metadata, new MappedConsumer(descriptor)]);
    }

    // The endpoint is made at the first request: by then commands and configuration have picked the layer.
    private static Lazy<ConsumerEndpoint> EndpointOf(IEndpointRouteBuilder endpoints, ConsumerDescriptor descriptor, Action<ConsumerEndpointOptions>? configure)
    {
        var services = Registered(endpoints);
        var options = new ConsumerEndpointOptions();
        configure?.Invoke(options);
        options.Validate();
        if (options.Outbound.Policy != OutboundPolicy.Disconnect)
            services.GetRequiredService<NodeContext>().Check(options.Outbound);
        return new(() => ActivatorUtilities.CreateInstance<ConsumerEndpoint>(services, descriptor, options));
    }

    private static IServiceProvider Registered(IEndpointRouteBuilder endpoints) => endpoints.ServiceProvider.GetService<ConnectionLimits>() is not null
        ? endpoints.ServiceProvider
        : throw new InvalidOperationException("Runnel is not registered: call builder.Services.AddRunnel() before the application is built.");
}
