using Runnel.InMemory;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.Connections;

[Collection(nameof(Metered))]
public sealed class InMemoryScaleOutTests : ScaleOutSpecification
{
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);

    protected override IBackplane Open() => _backplane;
}
