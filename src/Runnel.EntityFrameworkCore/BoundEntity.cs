using System.Text.Json;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>A binding against the model of a context: which columns it reads, and what they are called in JSON.</summary>
internal sealed class BoundEntity
{
    private readonly EntityBinding _binding;
    private readonly IReadOnlyList<IProperty> _key;
    private readonly (IProperty Property, string Name)[] _fields;
    private readonly JsonSerializerOptions _json;

    /// <exception cref="InvalidOperationException">The model does not have what the binding names; the message says which.</exception>
    public BoundEntity(EntityBinding binding, IModel model, string contextName, JsonSerializerOptions json)
    {
        _binding = binding;
        _json = json;
        var name = binding.ClrType.Name;
        var entity = model.FindEntityType(binding.ClrType) ?? throw new InvalidOperationException(
            $"{name} is bound to a group but is not an entity of {contextName}: add a DbSet<{name}> to it, or bind another type.");
        _key = entity.FindPrimaryKey()?.Properties ?? throw new InvalidOperationException(
            $"{name} is bound to a group but has no key in {contextName}: a client could not tell its rows apart.");
        var named = binding.Fields.Names.Select(field => Find(entity, field, contextName)).ToArray();
        _fields = [.. (binding.Fields.Exclude ? entity.GetProperties().Where(property => !property.IsShadowProperty()).Except(named) : named)
            .Select(property => (property, JsonName(property.Name)))];
        Model = binding.Model ?? JsonName(name);
    }

    public string Model { get; }

    public bool GroupsVary => _binding.GroupsVary;

    public bool Covers(EntityEntry entry) => _binding.ClrType.IsAssignableFrom(entry.Metadata.ClrType);

    public GroupName[] Groups(object entity) => _binding.Groups(entity);

    /// <summary>Whether the save writes a field that is bound, or lets the database compute one anew.</summary>
    public bool IsTouched(EntityEntry entry) =>
        _fields.Any(field => (field.Property.ValueGenerated & ValueGenerated.OnUpdate) != 0 || entry.Property(field.Property).IsModified);

    public object?[] Key(EntityEntry entry) => [.. _key.Select(property => entry.Property(property).CurrentValue)];

    /// <summary>The key as JSON: a value, or an array of them when several columns make the key.</summary>
    public JsonElement KeyJson(object?[] key) => key is [var single] ? ToJson(single) : ToJson(key);

    /// <summary>What becomes <c>data</c>, now; later changes of the entity do not reach it. None when the application's serializer says so.</summary>
    public JsonElement? Data(EntityEntry entry, object entity, bool original)
    {
        if (_binding.Serialize is { } serialize)
            return serialize(entity) is { } data ? ToJson(data) : null;
        var values = new Dictionary<string, object?>(_fields.Length);
        foreach (var (property, name) in _fields)
            values[name] = original ? entry.Property(property).OriginalValue : entry.Property(property).CurrentValue;
        return ToJson(values);
    }

    private JsonElement ToJson(object? value) => JsonSerializer.SerializeToElement(value, value?.GetType() ?? typeof(object), _json);

    private string JsonName(string name) => _json.PropertyNamingPolicy?.ConvertName(name) ?? name;

    private static IProperty Find(IEntityType entity, string field, string contextName) =>
        entity.FindProperty(field) ?? throw new InvalidOperationException(
            $"{entity.ClrType.Name}.{field} is bound to a group but is not a column of {contextName}'s model "
            + "(a navigation, a complex or an unmapped property): leave it out, or make data with Serialize.");
}
