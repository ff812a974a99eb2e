namespace Runnel.Layers;

/// <summary>Says what the application declares, so that a start on layers that lack something is refused. Packages register their own; all are asked.</summary>
public interface ILayerUser
{
    /// <summary>What the application declares. Asked when everything is mapped, before anything uses the layers.</summary>
    IEnumerable<LayerUse> Uses { get; }
}
