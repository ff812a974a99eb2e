using Microsoft.Extensions.Options;

namespace Runnel.Handover;

/// <summary>Carries scopes as <see cref="HandedScope"/> lays them out.</summary>
internal sealed class ScopeFormat(IOptions<HandoverOptions> options) : IScopeFormat
{
    public ReadOnlyMemory<byte> Write(ConsumerScope scope) => HandedScope.Encode(scope, options.Value.ForwardHeaders);

    public ConsumerScope Read(ReadOnlyMemory<byte> bytes) => new HandedScope(bytes);
}
