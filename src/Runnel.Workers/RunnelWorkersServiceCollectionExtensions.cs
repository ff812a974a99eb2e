using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.Layers;
using Runnel.Workers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;
using Runnel.Workers.Recurring;
using Runnel.Workers.Running;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Runnel's workers.</summary>
public static class RunnelWorkersServiceCollectionExtensions
{
    private static readonly TimeSpan HostMargin = TimeSpan.FromSeconds(5);

    /// <summary>Adds channels with consumers, jobs and recurring messages. Applications call <c>AddRunnel</c>, which calls this.</summary>
    public static RunnelBuilder AddRunnelWorkers(this RunnelBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<WorkerOptions>().ValidateDataAnnotations().ValidateOnStart()
            .PostConfigure<IServiceProvider>((worker, provider) => worker.EnableDetailedErrors ??= provider.GetService<IHostEnvironment>()?.IsDevelopment() is true);
        services.AddOptions<HostOptions>().PostConfigure<IOptions<WorkerOptions>>(GiveTime);
        services.TryAddSingleton(provider => provider.GetRequiredService<ConfiguredLayer>().WorkQueue);
        services.TryAddSingleton(provider => provider.GetRequiredService<ConfiguredLayer>().Operator);
        services.TryAddSingleton(provider => new ChannelRegistry(provider.GetServices<ChannelDeclaration>()));
        services.TryAddSingleton<WorkerSelection>();
        services.TryAddSingleton<ConsumedChannels>();
        services.TryAddSingleton<JobStore>();
        services.TryAddSingleton<IJobs, JobFollower>();
        services.TryAddSingleton<Deduplication>();
        services.TryAddSingleton<ChannelSender>();
        services.TryAddSingleton<IChannels>(provider => provider.GetRequiredService<ChannelSender>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILayerUser, ChannelUses>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILayerUser, RecurringUses>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<INodeRole, WorkerRole>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LateStateService>()); // before the worker, and so stopped after it
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, WorkerService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RecurringService>());
        return builder;
    }

    /// <summary>Configures the worker of this process.</summary>
    public static RunnelBuilder ConfigureWorker(this RunnelBuilder builder, Action<WorkerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Configure(configure);
        return builder;
    }

    /// <summary>Declares a channel that the application sends to, without consuming it: its capacity, and what its messages use.</summary>
    /// <remarks>
    /// A channel that the application consumes is declared where it is mapped (<c>MapChannel</c>). Programs that share a channel each declare it. Adding a channel again
    /// changes those options that you set, and keeps the others.
    /// </remarks>
    /// <example><code>builder.Services.AddRunnel().AddChannel("payments", channel => channel.Ordered = true);</code></example>
    /// <param name="builder">The builder.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="configure">The channel's options.</param>
    /// <exception cref="ArgumentException">The channel belongs to one process.</exception>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">An option is out of its range.</exception>
    public static RunnelBuilder AddChannel(this RunnelBuilder builder, ChannelName channel, Action<ChannelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ChannelRegistry.ThrowIfOfProcess(channel);
        var before = builder.Services.Select(static service => service.IsKeyedService ? null : service.ImplementationInstance).OfType<ChannelDeclaration>().LastOrDefault(other => other.Name == channel);
        builder.Services.AddSingleton(new ChannelDeclaration(channel, (before?.Options ?? new()).With(configure)));
        return builder;
    }

    /// <summary>Puts a message on a channel every so often: one per tick over all nodes; ticks missed while no node ran are made up for by one.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The recurring message's name, the same on all nodes; up to 60 characters of those that group names are made of.</param>
    /// <param name="every">How often, at least 100 ms; ticks are counted from 1970-01-01T00:00:00Z.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="message">The message.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public static RunnelBuilder AddRecurring<T>(this RunnelBuilder builder, string name, TimeSpan every, ChannelName channel, T message) =>
        Add(builder, name, new IntervalSchedule(every), channel, message);

    /// <summary>Puts a message on a channel by a cron expression: one per tick over all nodes; ticks missed while no node ran are made up for by one.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The recurring message's name, the same on all nodes; up to 60 characters of those that group names are made of.</param>
    /// <param name="cron">Five fields: minute, hour, day of month, month, day of week; in UTC.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="message">The message.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="FormatException">The expression is not a cron expression.</exception>
    public static RunnelBuilder AddRecurring<T>(this RunnelBuilder builder, string name, string cron, ChannelName channel, T message) =>
        Add(builder, name, new CronSchedule(cron), channel, message);

    // The host would cut the workers' grace short: its own limit is 30 seconds for all services together.
    private static void GiveTime(HostOptions host, IOptions<WorkerOptions> worker)
    {
        try
        {
            var needed = worker.Value.ShutdownGrace + HostMargin;
            host.ShutdownTimeout = host.ShutdownTimeout > needed ? host.ShutdownTimeout : needed;
        }
        catch (OptionsValidationException)
        {
            // The host is built before it starts, and the start says what is wrong with them.
        }
    }

    private static RunnelBuilder Add<T>(RunnelBuilder builder, string name, ISchedule schedule, ChannelName channel, T message)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(message);
        if (name is not { Length: > 0 and <= 60 } || !GroupName.IsValid(name))
            throw new ArgumentException($"'{name}' is not a name for a recurring message: a name has 1 to 60 characters out of A–Z, a–z, 0–9, '-', '_' and '.'.", nameof(name));
        if (builder.Services.Any(service => !service.IsKeyedService && service.ImplementationInstance is RecurringMessage other && other.Name == name))
            throw new ArgumentException($"There is a recurring message '{name}' already; give this one another name.", nameof(name));
        builder.Services.AddSingleton(new RecurringMessage(
            name, schedule, channel, TypeOf(channel, message), (sender, options, cancellationToken) => sender.SendOwnAsync(channel, message, options, cancellationToken)));
        return builder;
    }

    private static string TypeOf<T>(ChannelName channel, T message) =>
        message is Message raw ? raw.Type : MessageHandler.NameOf(channel, typeof(T) == typeof(object) ? message!.GetType() : typeof(T));
}
