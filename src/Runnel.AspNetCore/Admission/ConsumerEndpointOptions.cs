using System.ComponentModel.DataAnnotations;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore;

/// <summary>What one endpoint takes from its clients, and how much it keeps for them.</summary>
public sealed class ConsumerEndpointOptions
{
    /// <summary>Which pages of other hosts may connect: <c>https://shop.example</c>, <c>https://*.shop.example</c>, or <c>*</c> for any.</summary>
    /// <remarks>
    /// Pages of the host asked for always may, and so do clients that are no browsers and send no Origin. Everybody else is answered with 403, because
    /// a browser sends its cookies along to any page's request.
    /// </remarks>
    /// <value>None by default.</value>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>The most bytes of a message from the client; a larger one closes its connection with <see cref="CloseCode.MessageTooBig"/>.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1, 1024 * 1024 * 1024)]
    public int MaxMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most messages per second from one client, in the long run; one that sends more is closed with <see cref="CloseCode.PolicyViolation"/>.</summary>
    /// <remarks>Every WebSocket frame counts as a message, because all of them cost the server work: each piece of a message, each ping and each pong.</remarks>
    /// <value>200 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxMessagesPerSecond { get; set; } = 200;

    /// <summary>How many messages one client may send at once after it was silent; frames are counted as for <see cref="MaxMessagesPerSecond"/>.</summary>
    /// <value>1,000 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxMessageBurst { get; set; } = 1000;

    /// <summary>How much may wait for one client, and what happens when it is more.</summary>
    public OutboundOptions Outbound { get; } = new();

    internal void Validate()
    {
        Validator.ValidateObject(this, new ValidationContext(this), validateAllProperties: true);
        Validator.ValidateObject(Outbound, new ValidationContext(Outbound), validateAllProperties: true);
        foreach (var origin in AllowedOrigins)
            OriginPolicy.Check(origin);
    }
}
