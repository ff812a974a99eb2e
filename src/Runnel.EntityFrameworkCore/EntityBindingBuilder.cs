using System.Linq.Expressions;

namespace Runnel.EntityFrameworkCore;

/// <summary>Says what of an entity is sent to its group: <see cref="Fields"/>, <see cref="Exclude"/> or <see cref="AllFields"/>, one of them.</summary>
/// <typeparam name="TEntity">The entity.</typeparam>
/// <remarks>There is no default, so that a column added later is never published by accident.</remarks>
public sealed class EntityBindingBuilder<TEntity>
    where TEntity : class
{
    private FieldSelection? _fields;
    private Func<TEntity, object?>? _serialize;
    private string? _model;

    internal EntityBindingBuilder()
    {
    }

    /// <summary>Sends these fields: <c>a.Fields(x => x.Title, x => x.Body)</c>.</summary>
    /// <exception cref="ArgumentException">An expression names no property, or you gave no expression.</exception>
    /// <exception cref="InvalidOperationException">The fields are declared already.</exception>
    public EntityBindingBuilder<TEntity> Fields(params Expression<Func<TEntity, object?>>[] fields) =>
        Select(new FieldSelection(Exclude: false, Names(fields)));

    /// <summary>Sends all fields but these.</summary>
    /// <exception cref="ArgumentException">An expression names no property, or you gave no expression.</exception>
    /// <exception cref="InvalidOperationException">The fields are declared already.</exception>
    public EntityBindingBuilder<TEntity> Exclude(params Expression<Func<TEntity, object?>>[] fields) =>
        Select(new FieldSelection(Exclude: true, Names(fields)));

    /// <summary>Sends all fields, also those that are added to the entity one day.</summary>
    /// <exception cref="InvalidOperationException">The fields are declared already.</exception>
    public EntityBindingBuilder<TEntity> AllFields() => Select(new FieldSelection(Exclude: true, []));

    /// <summary>Makes <c>data</c> of the entity, instead of copying its fields; these still decide which updates are sent.</summary>
    /// <param name="serialize">What becomes <c>data</c>, through Runnel's JSON options. <see langword="null"/> sends nothing.</param>
    public EntityBindingBuilder<TEntity> Serialize(Func<TEntity, object?> serialize)
    {
        ArgumentNullException.ThrowIfNull(serialize);
        _serialize = serialize;
        return this;
    }

    /// <summary>Sets what the message calls the entity.</summary>
    /// <param name="name">By default the type's name, as JSON writes names: <c>article</c>.</param>
    public EntityBindingBuilder<TEntity> Model(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _model = name;
        return this;
    }

    internal EntityBinding Build(Func<object, Layers.GroupName[]> groups, Layers.GroupName? group) => new()
    {
        ClrType = typeof(TEntity),
        Model = _model,
        Groups = groups,
        Group = group,
        GroupsVary = group is null,
        Serialize = _serialize is { } serialize ? entity => serialize((TEntity)entity) : null,
        Fields = _fields ?? throw new InvalidOperationException(
            $"The binding of {typeof(TEntity).Name} says neither which fields to send nor which to leave out: "
            + "call Fields(x => x.…), Exclude(x => x.…) or AllFields() in Bind."),
    };

    private EntityBindingBuilder<TEntity> Select(FieldSelection fields)
    {
        if (_fields is not null)
            throw new InvalidOperationException($"The binding of {typeof(TEntity).Name} declares its fields twice: call one of Fields, Exclude and AllFields.");
        _fields = fields;
        return this;
    }

    private static string[] Names(Expression<Func<TEntity, object?>>[] fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return fields.Length > 0
            ? [.. fields.Select(Name)]
            : throw new ArgumentException($"The binding of {typeof(TEntity).Name} names no field; AllFields() sends all of them.", nameof(fields));
    }

    private static string Name(Expression<Func<TEntity, object?>> field)
    {
        var body = field.Body is UnaryExpression { NodeType: ExpressionType.Convert } boxed ? boxed.Operand : field.Body;
        return body is MemberExpression { Expression: ParameterExpression } member
            ? member.Member.Name
            : throw new ArgumentException(
                $"'{field}' is not a field of {typeof(TEntity).Name}: name a property as in x => x.Title, or use Serialize for anything else.", nameof(field));
    }
}
