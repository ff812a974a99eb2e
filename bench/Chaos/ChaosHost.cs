using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>An application in a child of the chaos run.</summary>
internal static class ChaosHost
{
    public static ChannelName Channel { get; } = new("ledger");

    public static ChannelName LongChannel { get; } = new("long");

    public static IHost Create(string address, bool works)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().UseLayer(address).AddRunnelWorkers().AddChannel(Channel, channel => channel.Ordered = true).ConfigureWorker(worker =>
        {
            worker.Enabled = works;
            worker.LeaseDuration = LeaseDuration;
            worker.CrashLimit = 1000; // it is the run that kills the workers, not their messages
        });
        return builder.Build();
    }

    public static ChannelName HandoverChannel { get; } = new("handover");

    /// <summary>Longer than a machine with much to do keeps a process waiting for its turn: one that stands still for as long is rightly taken for dead.</summary>
    public static TimeSpan LeaseDuration { get; } = TimeSpan.FromSeconds(1.5);
}
