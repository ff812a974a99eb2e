using Runnel.Layers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Picks the SQLite layer.</summary>
public static class RunnelSqliteServiceCollectionExtensions
{
    private const string Scheme = "sqlite:";

    /// <summary>Carries and keeps messages in a SQLite file, unless configuration names another layer (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file's path. A relative one starts at the working directory.</param>
    /// <example><code>builder.Services.AddRunnel().UseSqlite("work.db");</code></example>
    public static RunnelBuilder UseSqlite(this RunnelBuilder builder, string path) => Configure(builder, path, (options, address) => options.Address = address);

    /// <summary>Keeps work in a SQLite file, unless configuration names another layer for it (<c>Runnel:QueueLayer</c>, or <c>--queue-layer</c> on the command line).</summary>
    /// <inheritdoc cref="UseSqlite"/>
    /// <example><code>builder.Services.AddRunnel().UseRedis("redis://cache").UseSqliteQueues("work.db");</code></example>
    public static RunnelBuilder UseSqliteQueues(this RunnelBuilder builder, string path) => Configure(builder, path, (options, address) => options.QueueAddress = address);

    /// <summary>Keeps states in a SQLite file, unless configuration names another layer for them (<c>Runnel:StateLayer</c>, or <c>--state-layer</c> on the command line).</summary>
    /// <inheritdoc cref="UseSqlite"/>
    /// <example><code>builder.Services.AddRunnel().UseRedis("redis://cache").UseSqliteState("states.db");</code></example>
    public static RunnelBuilder UseSqliteState(this RunnelBuilder builder, string path) => Configure(builder, path, (options, address) => options.StateAddress = address);

    private static RunnelBuilder Configure(RunnelBuilder builder, string path, Action<LayerOptions, string> pick)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(path);
        builder.Services.Configure<LayerOptions>(options => pick(options, Scheme + path));
        return builder;
    }
}
