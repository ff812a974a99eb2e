namespace Runnel.Layers.Topics;

/// <summary>What may be missing at a place between messages that are held back.</summary>
[Flags]
internal enum HeldDoubt
{
    /// <summary>It is no such place, but a message.</summary>
    None = 0,

    /// <summary>The wire was broken: what is missing is in the history, if the topic keeps one.</summary>
    UnlessKept = 1,

    /// <summary>Messages may be missing that no history holds.</summary>
    Certain = 2,

    /// <summary>The wire is broken.</summary>
    Broken = 4,
}
