namespace Runnel.Bench;

/// <summary>What one target needed in one round at one pace.</summary>
internal sealed record FanoutRound(double CpuMicrosecondsPerDelivery, double GarbagePerDelivery, double P50Milliseconds, double P99Milliseconds)
{
    public double DeliveriesPerCpuSecond => 1_000_000 / CpuMicrosecondsPerDelivery;

    public static FanoutRound Of(ServerFigures server, LoadFigures load) => new(
        server.CpuMicroseconds / load.Deliveries,
        (double)server.AllocatedBytes / load.Deliveries,
        load.P50Milliseconds,
        load.P99Milliseconds);
}
