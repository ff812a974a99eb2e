using Runnel.Layers;

namespace Runnel.Workers.Recurring;

/// <summary>Tells what recurring messages need of the layers: of each tick one copy, and the last tick remembered.</summary>
internal sealed class RecurringUses(IEnumerable<RecurringMessage> messages) : ILayerUser
{
    public IEnumerable<LayerUse> Uses => messages.Select(message => new LayerUse($"The recurring message '{message.Name}' is declared")
    {
        WorkQueue = WorkQueueFeatures.Deduplicate,
        StateCanReplace = true,
        State = true,
        WayOut = "Its last tick has to be remembered: pick a layer that does, such as sqlite: or redis: (--state-layer, Runnel:StateLayer), or take the recurring message out.",
    });
}
