using MassTransit;

namespace Runnel.Bench;

/// <summary>MassTransit's consumer.</summary>
internal sealed class BenchWorkConsumer(Func<BenchWork, Task> handler) : IConsumer<BenchWork>
{
    public Task Consume(ConsumeContext<BenchWork> context) => handler(context.Message);
}
