using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Runnel.Frames;

namespace Runnel;

/// <summary>Options that all connections and groups of an application share.</summary>
public sealed class RunnelOptions
{
    /// <summary>How Runnel writes and reads messages as JSON.</summary>
    /// <value>By default those of the web (camelCase, case-insensitive), without escaping other alphabets.</value>
    [Required]
    public JsonSerializerOptions Json { get; set; } = RunnelJson.CreateOptions();

    /// <summary>The most bytes that a message to a group or to one connection may have, encoded.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1024, int.MaxValue)]
    public int MaxGroupMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most bytes of events (messages for code) that wait for a consumer that is busy. If there are more, its connection is closed with 1013.</summary>
    /// <remarks>One event may always wait, however large. The same bound holds for what groups send to a client while its consumer connects.</remarks>
    /// <value>4 MiB by default: 10,000 short events at once cut no connection.</value>
    [Range(1, int.MaxValue)]
    public int MaxWaitingEventBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long a node stays subscribed to a group after its last member here has left, so that the next member joins at no cost.</summary>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GroupLinger { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long connections may take to close when the node stops. After that, Runnel cuts them.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
