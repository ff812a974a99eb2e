using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryQuietGroupTests : QuietGroupSpecification
{
    private readonly InMemoryBackplane _backplane;

    public InMemoryQuietGroupTests() => _backplane = new(Clock);

    protected override IBackplane Open() => _backplane;
}
