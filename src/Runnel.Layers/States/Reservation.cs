namespace Runnel.Layers;

/// <summary>The right to do something once, under a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Token">What tells this reservation from others of the name.</param>
/// <param name="Lapse">How long it holds without <see cref="IStateStore.ConfirmAsync"/> or <see cref="IStateStore.MarkAsync"/>.</param>
/// <param name="Window">How long the name stays taken once it is marked.</param>
public sealed record Reservation(string Name, Guid Token, TimeSpan Lapse, TimeSpan Window);
