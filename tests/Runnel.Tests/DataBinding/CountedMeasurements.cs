using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Tests.DataBinding;

/// <summary>What an instrument counted for one model, from now on.</summary>
internal sealed class CountedMeasurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _total;

    public CountedMeasurements(string instrument, string model)
    {
        _listener.InstrumentPublished = (published, listener) =>
        {
            if (published.Meter == RunnelTelemetry.Meter && published.Name == instrument)
                listener.EnableMeasurementEvents(published);
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.Contains(new KeyValuePair<string, object?>("model", model)))
                Interlocked.Add(ref _total, value);
        });
        _listener.Start();
    }

    public long Total => Interlocked.Read(ref _total);

    public void Dispose() => _listener.Dispose();
}
