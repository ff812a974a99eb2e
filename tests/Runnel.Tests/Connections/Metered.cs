using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Tests that read counters of the whole process: nothing runs beside them.</summary>
[CollectionDefinition(nameof(Metered), DisableParallelization = true)]
public sealed class Metered;

/// <summary>Counts what Runnel counts, from its creation on.</summary>
internal sealed class Counts : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _counts = new();

    public Counts()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == RunnelTelemetry.Meter)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>The sum of one instrument's measurements with a reason, a kind, a worker or an outcome, or without.</summary>
    public long this[string instrument, string reason = ""] => _counts.GetValueOrDefault($"{instrument} {reason}");

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var reason = "";
        foreach (var (name, tag) in tags)
        {
            if (name is "reason" or "kind" or "worker" or "outcome")
                reason = tag?.ToString() ?? "";
        }
        _counts.AddOrUpdate($"{instrument.Name} {reason}", value, (_, before) => before + value);
    }
}
