namespace Runnel.Bench;

/// <summary>Takes away what a measurement of the layer has made on a broker that is not the run's own.</summary>
internal static class RabbitCleaner
{
    public static async Task CleanAsync(RabbitPlace place, CancellationToken cancellationToken)
    {
        await using var connection = await BenchRabbit.ConnectAsync(place.Address, cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach (var queue in RabbitLayerNames.Queues(place.Prefix, QueueHost.Channel))
            await channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false, noWait: false, cancellationToken);
        await channel.ExchangeDeleteAsync(RabbitLayerNames.Exchange(place.Prefix), ifUnused: false, noWait: false, cancellationToken);
    }
}
