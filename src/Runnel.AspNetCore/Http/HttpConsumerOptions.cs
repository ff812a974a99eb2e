using System.ComponentModel.DataAnnotations;

namespace Runnel.AspNetCore;

/// <summary>Limits of one endpoint of an <see cref="HttpConsumer"/>.</summary>
public sealed class HttpConsumerOptions
{
    /// <summary>The most bytes that the body of a request may have; a larger one is answered with 413.</summary>
    /// <value>1 MiB by default.</value>
    [Range(0, 16 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>How long the consumer may take until its response begins, and then from one part to the next. Before the response began the client gets a 504, afterwards it is cut off.</summary>
    /// <value>60 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    internal void Validate() => Validator.ValidateObject(this, new ValidationContext(this), validateAllProperties: true);
}
