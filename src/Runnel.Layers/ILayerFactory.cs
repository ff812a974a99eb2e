using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Runnel.Layers;

/// <summary>Makes a layer from its address; each layer's package has one, with a constructor that takes nothing.</summary>
public interface ILayerFactory
{
    /// <summary>Makes the layer. Nothing is connected to yet: that is <see cref="Layer.OpenAsync"/>.</summary>
    /// <param name="address">The whole address, such as <c>sqlite:work.db</c> or <c>redis://cache:6379</c>.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="loggers">Where the layer says what befalls it.</param>
    /// <exception cref="FormatException">The address is not valid; the message says what one looks like.</exception>
    /// <exception cref="OptionsValidationException">An option of the layer is out of its range (<see cref="OptionsCheck.ThrowIfInvalid"/>).</exception>
    Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers);
}
