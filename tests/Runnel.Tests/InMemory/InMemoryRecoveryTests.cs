using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryRecoveryTests : RecoverySpecification
{
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);

    protected override IBackplane Open() => _backplane;
}
