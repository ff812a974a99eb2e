using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>A change that is saved, and where it goes once it is committed.</summary>
internal readonly record struct OutgoingChange(ChangePublisher Publisher, GroupName Group, BoundChange Change);
