using System.ComponentModel.DataAnnotations;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>How changes are sent.</summary>
public sealed class DataBindingOptions
{
    /// <summary>
    /// The longest that a save, or a commit, is held up by sending its changes. They are handed to the layer in their order, and the call returns when the
    /// layer has taken them, or after this time: then they go out as soon as the layer can, and what it cannot send is logged and counted, and the groups' members are told.
    /// </summary>
    /// <value>1 second by default; zero to wait for nothing.</value>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan MaxSaveDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How much history the bound groups keep, where the layer can, so that clients that come back miss no change. It holds for groups that a binding names; for groups that follow from the
    /// entity, and for other sizes, say <see cref="RunnelOptions.KeepHistory"/>, which counts first.
    /// </summary>
    /// <value>1,000 messages for 2 minutes by default; <see langword="null"/> to keep none.</value>
    public Retention? History { get; set; } = new(1000, TimeSpan.FromMinutes(2));
}
