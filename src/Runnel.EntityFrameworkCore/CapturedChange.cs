using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>What is known of a change before it is saved: afterwards the context has forgotten the old values.</summary>
internal sealed class CapturedChange
{
    private readonly EntityEntry _entry;
    private readonly EntityState _state;
    private readonly bool _isTouched;
    private readonly GroupName[] _oldGroups = [];
    private readonly JsonElement? _oldData;

    public CapturedChange(BoundEntity bound, int order, EntityEntry entry)
    {
        Bound = bound;
        Order = order;
        _entry = entry;
        _state = entry.State;
        if (_state is EntityState.Added)
            return;

        _isTouched = _state is EntityState.Modified && bound.IsTouched(entry);
        var needsOldValues = _state is EntityState.Deleted || bound.GroupsVary;
        var original = needsOldValues ? Original(entry) : entry.Entity;
        _oldGroups = bound.Groups(original);
        _oldData = needsOldValues ? bound.Data(entry, original, original: true) : null;
    }

    public BoundEntity Bound { get; }

    /// <summary>The place of the binding among those declared.</summary>
    public int Order { get; }

    public string Action => _state switch
    {
        EntityState.Added => BoundChange.Create,
        EntityState.Modified => BoundChange.Update,
        _ => BoundChange.Delete,
    };

    /// <summary>Deletes, then updates, then creates: a key that is freed and taken again in one save ends as there.</summary>
    public int Phase => _state switch
    {
        EntityState.Deleted => 0,
        EntityState.Modified => 1,
        _ => 2,
    };

    public object?[] Key() => Bound.Key(_entry);

    /// <summary>The messages, after the save: a delete where the row left, an update where it stayed, a create where it came.</summary>
    public IEnumerable<(GroupName Group, BoundChange Change)> Messages()
    {
        var newGroups = _state is EntityState.Deleted ? [] : Bound.Groups(_entry.Entity);
        var key = Bound.KeyJson(Key());

        // People who lose sight of a row are shown what they saw of it, not the values that took it away.
        if (_oldData is { } oldData)
        {
            foreach (var group in _oldGroups.Except(newGroups))
                yield return (group, new BoundChange(BoundChange.Delete, Bound.Model, key, oldData));
        }

        if (newGroups.Length == 0 || Bound.Data(_entry, _entry.Entity, original: false) is not { } data)
            yield break;
        if (_isTouched)
        {
            foreach (var group in _oldGroups.Intersect(newGroups))
                yield return (group, new BoundChange(BoundChange.Update, Bound.Model, key, data));
        }

        foreach (var group in newGroups.Except(_oldGroups))
            yield return (group, new BoundChange(BoundChange.Create, Bound.Model, key, data));
    }

    // The entity as the database has it; a copy only when it was changed, since a copy has no navigations.
    private static object Original(EntityEntry entry) =>
        entry.Properties.Any(property => !property.Metadata.GetValueComparer().Equals(property.OriginalValue, property.CurrentValue))
            ? entry.OriginalValues.ToObject()
            : entry.Entity;
}
