namespace Runnel.Layers.Topics;

/// <summary>A message that is held back, or a place between such messages where others may be missing.</summary>
/// <param name="Message">The message; none at a place.</param>
/// <param name="Doubt">What may be missing there; none for a message.</param>
internal readonly record struct HeldMessage(BackplaneMessage Message, HeldDoubt Doubt = HeldDoubt.None)
{
    /// <summary>Whether the wire broke here, and is broken: what is missing is told when it is whole.</summary>
    public bool IsBroken => (Doubt & HeldDoubt.Broken) != 0;

    /// <summary>Whether this is a place that is told.</summary>
    /// <param name="keepsHistory">Whether the topic has a history, from which is read what was missed.</param>
    public bool IsTold(bool keepsHistory) => (Doubt & HeldDoubt.Certain) != 0 || (!keepsHistory && (Doubt & HeldDoubt.UnlessKept) != 0);
}
