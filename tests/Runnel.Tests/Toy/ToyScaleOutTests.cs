using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Toy;

[Collection(nameof(Metered))]
public sealed class ToyScaleOutTests : ScaleOutSpecification
{
    private readonly ToyBackplane _backplane = new(new InMemoryBackplane(TimeProvider.System));

    protected override IBackplane Open() => _backplane;
}
