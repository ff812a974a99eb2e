namespace Runnel;

/// <summary>Which layer carries and keeps messages.</summary>
public sealed class LayerOptions
{
    /// <summary>The layer's address, unless configuration says otherwise (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <value><c>memory:</c> by default.</value>
    public string Address { get; set; } = "memory:";
}
