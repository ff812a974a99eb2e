namespace Runnel.Bench;

/// <summary>Where on a broker a measurement takes place: a virtual host, and what the names in it begin with.</summary>
/// <param name="Address">The virtual host's address, as RabbitMQ.Client takes it.</param>
/// <param name="Prefix">What all names begin with.</param>
internal sealed record RabbitPlace(string Address, string Prefix)
{
    /// <summary>The same for the layer.</summary>
    public string LayerAddress => $"{Address}?prefix={Prefix}";
}
