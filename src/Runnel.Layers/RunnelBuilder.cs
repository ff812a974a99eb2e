using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Layers;

/// <summary>What <c>AddRunnel</c> returns, to go on with: <c>Use…</c> picks the one, <c>Add…</c> adds another.</summary>
public sealed class RunnelBuilder(IServiceCollection services)
{
    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; } = services;
}
