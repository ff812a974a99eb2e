using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Workers;
using Runnel.Workers.Channels;

namespace Microsoft.Extensions.Hosting;

/// <summary>Maps consumers to channels.</summary>
public static class RunnelHostExtensions
{
    /// <summary>Maps a function to a channel. The message is the parameter whose type is not a registered service.</summary>
    /// <remarks>
    /// The function returns nothing, the job's result, or a <see cref="Task"/> or <see cref="ValueTask"/> with or without the result. It may take
    /// <see cref="JobContext"/> and <see cref="CancellationToken"/>. A channel may have functions for several types of message. See <see cref="ChannelConsumer{TMessage}"/> for what is promised.
    /// <example>
    /// <code>
    /// app.MapChannel("thumbnails", async (ResizePhoto photo, IImages images, JobContext job) => { … });
    /// </code>
    /// </example>
    /// </remarks>
    /// <param name="host">The application.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="handler">The function.</param>
    /// <param name="configure">The channel's options.</param>
    /// <exception cref="ArgumentException">The function takes no message or more than one, or cannot be awaited, or the channel has one for the type already.</exception>
    /// <exception cref="InvalidOperationException">The application has started.</exception>
    public static IHost MapChannel(this IHost host, ChannelName channel, Delegate handler, Action<ChannelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Registry(host).Add(channel, MessageHandler.Of(channel, handler, host.Services.GetService<IServiceProviderIsService>()), configure);
        return host;
    }

    /// <summary>Maps a consumer class to a channel.</summary>
    /// <typeparam name="TConsumer">A class that derives from <see cref="ChannelConsumer{TMessage}"/> or <see cref="ChannelConsumer{TMessage, TResult}"/>.</typeparam>
    /// <param name="host">The application.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="configure">The channel's options.</param>
    /// <exception cref="ArgumentException">The class does not consume channels, or the channel has a consumer for the type already.</exception>
    /// <exception cref="InvalidOperationException">The application has started.</exception>
    public static IHost MapChannel<TConsumer>(this IHost host, ChannelName channel, Action<ChannelOptions>? configure = null)
        where TConsumer : class
    {
        Registry(host).Add(channel, MessageHandler.OfConsumer<TConsumer>(channel), configure);
        return host;
    }

    private static ChannelRegistry Registry(IHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Services.GetService<ChannelRegistry>()
            ?? throw new InvalidOperationException("Runnel is not registered: call builder.Services.AddRunnel() before the application is built.");
    }
}
