using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.InMemory;

/// <summary>Gateways recover what their clients missed, and the consumers are in workers.</summary>
public sealed class InMemoryRecoveryInTheWorkerTests : RecoverySpecification
{
    private readonly SharedBackplane _backplane = new(new InMemoryBackplane(TimeProvider.System));

    private protected override bool InAWorker => true;

    protected override IBackplane Open() => _backplane;
}
