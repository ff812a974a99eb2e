namespace Runnel.Layers;

/// <summary>The broker has not answered for too long. A message that was on its way may have been published.</summary>
public sealed class BackplaneUnavailableException : Exception
{
    /// <summary>Creates the exception.</summary>
    public BackplaneUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public BackplaneUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
