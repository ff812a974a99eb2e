namespace Runnel.Layers;

/// <summary>A worker has lost its lease, and its messages went to others. Open a new receiver and go on.</summary>
public sealed class LeaseLostException : Exception
{
    /// <summary>Creates the exception for a worker that was not heard of for longer than its lease.</summary>
    public LeaseLostException(string workerId)
        : base($"Worker '{workerId}' was not heard of for longer than its lease; its messages went to other workers. Open a new receiver and go on.")
    {
        WorkerId = workerId;
    }

    /// <summary>Creates the exception for a worker that lost its lease for another reason.</summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="why">Why, as the end of a sentence.</param>
    public LeaseLostException(string workerId, string why)
        : base($"Worker '{workerId}' has lost its lease: {why.TrimEnd('.')}. Its messages went to other workers. Open a new receiver and go on.")
    {
        WorkerId = workerId;
    }

    /// <summary>The worker whose lease is lost.</summary>
    public string WorkerId { get; }
}
