using System.ComponentModel.DataAnnotations;

namespace Runnel.EntityFrameworkCore;

/// <summary>How changes are sent.</summary>
public sealed class DataBindingOptions
{
    /// <summary>
    /// The longest that a save, or a commit, is held up by sending its changes. They are handed to the layer in their order, and the call returns when the
    /// layer has taken them, or after this time: then they go out as soon as the layer can, and what it cannot send is logged and counted.
    /// </summary>
    /// <value>1 second by default; zero to wait for nothing.</value>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan MaxSaveDelay { get; set; } = TimeSpan.FromSeconds(1);
}
