using Microsoft.EntityFrameworkCore;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>Declares which entities of a context are bound to which groups.</summary>
/// <typeparam name="TContext">The context whose saves are watched.</typeparam>
/// <remarks>An entity may be bound more than once; each binding sends its own message.</remarks>
public sealed class DataBindingBuilder<TContext>
    where TContext : DbContext
{
    private readonly List<EntityBinding> _bindings = [];

    internal DataBindingBuilder()
    {
    }

    internal IReadOnlyList<EntityBinding> Bindings => _bindings;

    /// <summary>Binds an entity to one group.</summary>
    /// <param name="group">The group that every change goes to.</param>
    /// <param name="configure">Says which fields are sent: <c>a => a.Fields(x => x.Title, x => x.Body)</c>.</param>
    /// <exception cref="InvalidOperationException">The fields are not declared; the message says how.</exception>
    public DataBindingBuilder<TContext> Bind<TEntity>(GroupName group, Action<EntityBindingBuilder<TEntity>> configure)
        where TEntity : class
    {
        GroupName[] groups = [group];
        return Add(_ => groups, group, configure);
    }

    /// <summary>Binds an entity to a group that follows from the entity: <c>a => $"author.{a.AuthorId}"</c>.</summary>
    /// <param name="group">
    /// The entity's group. It is asked before a save, with the values that the database has, and after it, with the new ones: when they
    /// differ, the old group gets a delete and the new one a create. It sees mapped values only: no navigations.
    /// </param>
    /// <param name="configure">Says which fields are sent.</param>
    /// <exception cref="InvalidOperationException">The fields are not declared; the message says how.</exception>
    public DataBindingBuilder<TContext> Bind<TEntity>(Func<TEntity, GroupName> group, Action<EntityBindingBuilder<TEntity>> configure)
        where TEntity : class
    {
        ArgumentNullException.ThrowIfNull(group);
        return Add<TEntity>(entity => [group(entity)], group: null, configure);
    }

    /// <summary>Binds an entity to none, one or several groups that follow from the entity.</summary>
    /// <param name="groups">
    /// The entity's groups, asked before and after a save: groups that the entity left get a delete, those it stays in an update, those
    /// it entered a create, in this order. It sees mapped values only: no navigations.
    /// </param>
    /// <param name="configure">Says which fields are sent.</param>
    /// <exception cref="InvalidOperationException">The fields are not declared; the message says how.</exception>
    public DataBindingBuilder<TContext> Bind<TEntity>(
        Func<TEntity, IEnumerable<GroupName>> groups,
        Action<EntityBindingBuilder<TEntity>> configure)
        where TEntity : class
    {
        ArgumentNullException.ThrowIfNull(groups);
        return Add<TEntity>(entity => [.. groups(entity)], group: null, configure);
    }

    private DataBindingBuilder<TContext> Add<TEntity>(
        Func<TEntity, GroupName[]> groups,
        GroupName? group,
        Action<EntityBindingBuilder<TEntity>> configure)
        where TEntity : class
    {
        ArgumentNullException.ThrowIfNull(configure);
        var entity = new EntityBindingBuilder<TEntity>();
        configure(entity);
        _bindings.Add(entity.Build(value => groups((TEntity)value), group));
        return this;
    }
}
