using Runnel.Layers;

namespace Runnel.Tests.Connections;

/// <summary>A layer in this process that several nodes share, as those of several processes do.</summary>
internal sealed class SharedBackplane(IBackplane inner) : DelegatingBackplane(inner)
{
    public override BackplaneFeatures Features => base.Features | BackplaneFeatures.ScaleOut;
}
