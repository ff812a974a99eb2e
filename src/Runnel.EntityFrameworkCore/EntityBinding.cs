using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>A binding as declared; <see cref="BoundEntity"/> is the same against a context's model.</summary>
internal sealed class EntityBinding
{
    public required Type ClrType { get; init; }

    public required string? Model { get; init; }

    public required FieldSelection Fields { get; init; }

    public required Func<object, GroupName[]> Groups { get; init; }

    /// <summary>The one group that every change goes to; <see langword="null"/> when the groups depend on the entity.</summary>
    public required GroupName? Group { get; init; }

    /// <summary>Whether the groups depend on the entity, so that an update can change them.</summary>
    public required bool GroupsVary { get; init; }

    public required Func<object, object?>? Serialize { get; init; }
}
