using System.ComponentModel.DataAnnotations;

namespace Runnel.Sqlite;

/// <summary>Where the layer keeps its file, and how.</summary>
public sealed class SqliteOptions
{
    /// <summary>The database file; made when it is not there, its folder is not. On a local disk: the locks of network file systems cannot be trusted.</summary>
    /// <value><c>runnel.db</c> in the working directory by default.</value>
    [Required]
    public string Path { get; set; } = "runnel.db";

    /// <summary>What a stored message survives.</summary>
    /// <value><see cref="SqliteSynchronous.Full"/> by default.</value>
    [EnumDataType(typeof(SqliteSynchronous))]
    public SqliteSynchronous Synchronous { get; set; } = SqliteSynchronous.Full;

    /// <summary>How long what is published or stored waits while another process keeps the file locked, such as one that is stopped, before it fails.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan OutageTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a dead letter is kept. What is older is deleted, and that is logged with the number.</summary>
    /// <value>14 days by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan DeadLetterRetention { get; set; } = TimeSpan.FromDays(14);

    /// <summary>How many messages of the backplane wait in memory for this process's subscribers; what is beyond it waits in the file.</summary>
    /// <value>16,384 by default.</value>
    [Range(1, int.MaxValue)]
    public int DeliveryBuffer { get; set; } = 16_384;

    /// <summary>How often the file is looked at for what a lost ring, or a dead neighbour, would have said: 3 microseconds when nothing has changed.</summary>
    internal TimeSpan LookInterval { get; set; } = TimeSpan.FromMilliseconds(20);
}
