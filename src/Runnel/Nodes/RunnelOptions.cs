using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Runnel.Frames;

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

    /// <summary>The most bytes of events (messages for code) that wait for one connection whose consumer is busy; a connection with more is cut.</summary>
    /// <remarks>One event may always wait, however large. What groups send to a connection that is still connecting is bounded likewise.</remarks>
    /// <value>4 MiB by default: 10,000 short events at once cut no connection.</value>
    [Range(1, int.MaxValue)]
    public int MaxWaitingEventBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long a node stays subscribed to a group that has lost its last member here, so that coming and going costs nothing.</summary>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GroupLinger { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long connections may take to close when the node stops; what is left then is cut.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
