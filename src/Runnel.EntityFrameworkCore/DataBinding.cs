using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.Extensions.Options;

namespace Runnel.EntityFrameworkCore;

/// <summary>The bindings of a context type: reads from a context what a save is about to change, and makes messages of it once it is saved.</summary>
/// <remarks>Holds state per context instance and only for the length of a save, so that pooled and concurrent contexts do not meet.</remarks>
internal class DataBinding(
    Type contextType,
    IReadOnlyList<EntityBinding> bindings,
    JsonSerializerOptions json,
    ChangePublisher publisher)
{
    private readonly ConditionalWeakTable<IModel, BoundEntity[]> _models = [];
    private readonly ConditionalWeakTable<DbContext, List<CapturedChange>> _saving = [];

    /// <summary>Puts the bindings against the context's model.</summary>
    /// <exception cref="InvalidOperationException">The model does not have what a binding names.</exception>
    public BoundEntity[] Resolve(IModel model) =>
        _models.GetValue(model, _ => [.. bindings.Select(binding => new BoundEntity(binding, model, contextType.Name, json))]);

    public bool IsSaving(DbContext context) => _saving.TryGetValue(context, out _);

    /// <summary>Before a save.</summary>
    public void Capture(DbContext context)
    {
        var bound = Resolve(context.Model);
        var captured = new List<CapturedChange>();
        foreach (var entry in context.ChangeTracker.Entries())
        {
            if (entry.State is EntityState.Unchanged or EntityState.Detached)
                continue;
            for (var order = 0; order < bound.Length; order++)
            {
                if (bound[order].Covers(entry))
                    Capture(captured, bound[order], order, entry);
            }
        }

        _saving.AddOrUpdate(context, captured);
    }

    /// <summary>After a save that succeeded. In the order deletes, updates, creates; within each by key, as the database got them.</summary>
    /// <remarks>The context itself enumerates its entries in no order worth keeping: it reuses the places of entries saved earlier.</remarks>
    public List<OutgoingChange> Complete(DbContext context)
    {
        if (!_saving.TryGetValue(context, out var captured))
            return [];
        Forget(context);
        var outgoing = new List<OutgoingChange>(captured.Count);
        foreach (var change in captured.OrderBy(change => change.Phase).ThenBy(change => change.Order).ThenBy(change => change.Key(), KeyComparer.Instance))
            AddMessages(outgoing, change);
        return outgoing;
    }

    /// <summary>After a save that failed.</summary>
    public void Forget(DbContext context) => _saving.Remove(context);

    // A mistake in the application's functions must not fail its save.
    private void Capture(List<CapturedChange> captured, BoundEntity bound, int order, EntityEntry entry)
    {
        try
        {
            captured.Add(new CapturedChange(bound, order, entry));
        }
        catch (Exception exception)
        {
            publisher.NotSent(exception, entry.State.ToString(), bound.Model);
        }
    }

    private void AddMessages(List<OutgoingChange> outgoing, CapturedChange change)
    {
        try
        {
            outgoing.AddRange(change.Messages().Select(message => new OutgoingChange(publisher, message.Group, message.Change)));
        }
        catch (Exception exception)
        {
            publisher.NotSent(exception, change.Action, change.Bound.Model);
        }
    }
}

/// <summary>The same, as the service collection knows it: all that was declared for one context.</summary>
internal sealed class DataBinding<TContext> : DataBinding
    where TContext : DbContext
{
    public DataBinding(IEnumerable<DataBindingBuilder<TContext>> declared, IOptions<RunnelOptions> options, ChangePublisher publisher)
        : base(typeof(TContext), [.. declared.SelectMany(builder => builder.Bindings)], options.Value.Json, publisher) =>
        Interceptors = [new SaveBindingInterceptor(this), new TransactionBindingInterceptor(this)];

    public IReadOnlyList<IInterceptor> Interceptors { get; }
}
