namespace Runnel.Bench;

/// <summary>CPU time of one send in one round, in microseconds: both nodes, and the layer's server.</summary>
internal sealed record HistoryCost(double KeptNodes, double KeptServer, double PlainNodes, double PlainServer)
{
    public double Kept => KeptNodes + KeptServer;

    public double Plain => PlainNodes + PlainServer;
}
