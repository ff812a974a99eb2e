using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>How many messages of all queues have expired meanwhile: other tests may add to it.</summary>
internal sealed class ExpiredCount : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _value;

    public ExpiredCount()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == RunnelTelemetry.MessagesExpiredName)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _value, count));
        _listener.SetMeasurementEventCallback<int>((_, count, _, _) => Interlocked.Add(ref _value, count));
        _listener.Start();
    }

    public long Value => Interlocked.Read(ref _value);

    public void Dispose() => _listener.Dispose();
}
