using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Runnel;

/// <summary>What is the same for all of an application's connections and groups on a node.</summary>
public sealed class RunnelOptions
{
    /// <summary>How messages are written and read as JSON.</summary>
    /// <value>The web defaults (camelCase, case-insensitive), other alphabets unescaped.</value>
    [Required]
    public JsonSerializerOptions Json { get; set; } = RunnelJson.CreateOptions();

    /// <summary>The most bytes of a message to a group or to one connection, encoded.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1024, int.MaxValue)]
    public int MaxGroupMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most events (messages for code) that wait for one connection whose consumer is busy; a connection with more is cut.</summary>
    /// <value>1,024 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxWaitingEvents { get; set; } = 1024;

    /// <summary>How long a node stays subscribed to a group that has lost its last member here, so that coming and going costs nothing.</summary>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GroupLinger { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long connections may take to close when the node stops; what is left then is cut.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
