namespace Runnel.Layers;

/// <summary>A worker was not heard of for longer than its lease, and its messages went to others. Open a new receiver and go on.</summary>
public sealed class LeaseLostException : Exception
{
    /// <summary>Creates the exception for a worker.</summary>
    public LeaseLostException(string workerId)
        : base($"Worker '{workerId}' was not heard of for longer than its lease; its messages went to other workers. Open a new receiver and go on.")
    {
        WorkerId = workerId;
    }

    /// <summary>The worker whose lease is lost.</summary>
    public string WorkerId { get; }
}
