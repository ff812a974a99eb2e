using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>Tells what groups with history need of the layers: history, and a place for the key of the positions.</summary>
internal sealed class HistoryUses(IOptions<RunnelOptions> options) : ILayerUser
{
    public IEnumerable<LayerUse> Uses => options.Value.Histories.Where(rule => rule.IsRequired).Select(rule => new LayerUse($"Groups '{rule.Groups}' keep history (KeepHistory)")
    {
        Backplane = BackplaneFeatures.History,
        State = true,
        WayOut = "Pick a layer that keeps it, such as redis: or sqlite: (--layer, Runnel:Layer), or take KeepHistory out of the options of AddRunnel.",
    });
}
