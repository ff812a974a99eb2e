using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.EntityFrameworkCore;
using Runnel.Layers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Binds what Entity Framework Core saves to groups.</summary>
public static class RunnelEntityFrameworkCoreExtensions
{
    /// <summary>Sends every committed create, update and delete of the bound entities to their groups.</summary>
    /// <param name="builder">What <c>AddRunnel()</c> returned.</param>
    /// <param name="configure">The bindings; a second call adds to those of the first.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// <para>
    /// Members of the group receive <c>{"action": "create" | "update" | "delete", "model", "pk", "data"}</c> as a JSON text frame, as Runnel's
    /// JSON options write it. <c>data</c> of a delete is the row as it last was. A key of several columns is an array.
    /// </para>
    /// <para>
    /// Sent after the commit, and before <c>SaveChanges</c> or <c>Commit</c> returns, which a layer that does not answer holds up for no longer than
    /// <see cref="DataBindingOptions.MaxSaveDelay"/>: nothing when a save fails or a transaction or savepoint is
    /// rolled back. One message per row and save, also in bulk: first deletes, then updates, then creates, each in the order of their keys. An
    /// update is sent when the save writes at least one bound field; <c>DbContext.Update</c> marks all of them as written. Works within
    /// <c>Database.BeginTransaction</c>, <c>UseTransaction</c> (commit through the context: it cannot see the commit of a bare
    /// <c>DbTransaction</c>) and a <c>TransactionScope</c>. When the group cannot be reached, the save still succeeds: an error is logged and
    /// <c>runnel.binding.failed</c> counted. If the layer was away, the group's members are told that they have missed something (<see cref="IGroups.SendGapAsync"/>) as soon as it is back, by this process while
    /// it lives.
    /// </para>
    /// <para>
    /// Not seen: what goes past the change tracker (<c>ExecuteUpdate</c>, <c>ExecuteDelete</c>, SQL, cascades that only the database runs), owned
    /// and complex properties, and what an interceptor registered later changes in <c>SavingChanges</c>. Two commits of one row at the same
    /// moment may be sent in either order.
    /// </para>
    /// <example>
    /// <code>
    /// services.AddDbContext&lt;ArticlesContext&gt;(options => options.UseNpgsql(…));
    /// services.AddRunnel().AddDataBinding&lt;ArticlesContext&gt;(b => b
    ///     .Bind&lt;Article&gt;("articles", a => a.Fields(x => x.Title, x => x.Body)));
    /// </code>
    /// </example>
    /// </remarks>
    /// <exception cref="InvalidOperationException">A binding declares no fields. What the context's model does not have is refused when the host starts.</exception>
    public static RunnelBuilder AddDataBinding<TContext>(this RunnelBuilder builder, Action<DataBindingBuilder<TContext>> configure)
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var declared = new DataBindingBuilder<TContext>();
        configure(declared);

        var services = builder.Services;
        var isFirst = services.All(service => service.ServiceType != typeof(DataBinding<TContext>));
        services.AddSingleton(declared);
        // After what the application says itself, which counts first.
        services.AddOptions<RunnelOptions>().PostConfigure<IOptions<DataBindingOptions>>((options, binding) =>
        {
            foreach (var group in declared.Bindings.Select(bound => bound.Group).OfType<GroupName>().Distinct())
                options.KeepHistory(group.Value, binding.Value.History, isRequired: false);
        });
        if (!isFirst)
            return builder;

        services.AddOptions<DataBindingOptions>().ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<LostChanges>();
        services.TryAddSingleton<ChangePublisher>();
        services.AddSingleton<DataBinding<TContext>>();
        services.AddSingleton<IHostedService, BindingCheckService<TContext>>();
        services.ConfigureDbContext<TContext>((provider, options) =>
        {
            var binding = provider.GetRequiredService<DataBinding<TContext>>();
            options.AddInterceptors(binding.Interceptors);
            options.ReplaceService<IRelationalTransactionFactory, RelationalTransactionFactory, BoundTransactionFactory>();
        });
        return builder;
    }

    /// <summary>Configures how changes are sent, for all contexts.</summary>
    public static RunnelBuilder ConfigureDataBinding(this RunnelBuilder builder, Action<DataBindingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Configure(configure);
        return builder;
    }
}
